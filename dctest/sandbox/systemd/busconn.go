package systemd

import (
	"bufio"
	"net"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	// outBuffer is how many messages a client may leave unread.
	outBuffer = 256
	// writeTimeout bounds one write to a client.
	writeTimeout = 10 * time.Second
	// authTimeout bounds a client's handshake.
	authTimeout = 10 * time.Second
)

// busConn is one client.
type busConn struct {
	bus    *bus
	conn   *net.UnixConn
	unique string
	name   string // unique, once the client has said hello

	out  chan *dbus.Message
	quit chan struct{}
	once sync.Once

	mu    sync.Mutex
	rules map[string]rule
}

// run serves the client until it goes or is sent away.
func (c *busConn) run() {
	defer c.bus.remove(c)
	defer c.hangUp()
	in := bufio.NewReader(c.conn)
	c.conn.SetDeadline(time.Now().Add(authTimeout))
	if err := authenticate(c.conn, in, c.bus.guid); err != nil {
		c.bus.m.opts.Log.Warn("client refused", "err", err)
		return
	}
	c.conn.SetDeadline(time.Time{})
	c.bus.wg.Go(c.write)
	for {
		msg, err := dbus.DecodeMessage(in)
		if err != nil {
			return // it went, or speaks something else
		}
		if msg.Type == dbus.TypeMethodCall {
			c.answer(msg)
		}
	}
}

func (c *busConn) answer(msg *dbus.Message) {
	request := newCall(c, msg)
	values, err := c.bus.dispatch(request)
	if msg.Flags&dbus.FlagNoReplyExpected == 0 {
		c.send(request.reply(values, err))
	}
}

// send queues a message. A client that does not read its messages is sent
// away, like one that would block everybody.
func (c *busConn) send(msg *dbus.Message) {
	select {
	case c.out <- msg:
	case <-c.quit:
	default:
		c.hangUp()
	}
}

// write sends what is queued.
func (c *busConn) write() {
	defer c.hangUp()
	for serial := uint32(1); ; serial++ {
		select {
		case msg := <-c.out:
			data, err := encode(msg, serial)
			if err != nil {
				c.bus.m.opts.Log.Error("message cannot be encoded", "err", err)
				return
			}
			c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			if _, err := c.conn.Write(data); err != nil {
				return
			}
		case <-c.quit:
			return
		}
	}
}

func (c *busConn) hangUp() {
	c.once.Do(func() {
		close(c.quit)
		c.conn.Close()
	})
}

func (c *busConn) addRule(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rules == nil {
		c.rules = map[string]rule{}
	}
	c.rules[text] = parseRule(text)
}

func (c *busConn) removeRule(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.rules, text)
}

func (c *busConn) wants(msg *dbus.Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rules {
		if r.matches(msg) {
			return true
		}
	}
	return false
}
