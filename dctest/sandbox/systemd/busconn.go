package systemd

import (
	"bufio"
	"net"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	// outBuffer is how many messages may be queued for a client. If there are more, the
	// client is disconnected.
	outBuffer = 256
	// writeTimeout is how long one write to a client may take before the client is
	// disconnected.
	writeTimeout = 10 * time.Second
	// authTimeout is how long a client's handshake may take before the client is
	// disconnected.
	authTimeout = 10 * time.Second
)

// busConn is the connection of one client.
type busConn struct {
	bus    *bus
	conn   *net.UnixConn
	unique string
	name   string // equals unique after the client has called Hello

	out  chan *dbus.Message
	quit chan struct{}
	once sync.Once

	mu    sync.Mutex
	rules map[string]rule
}

// run serves the client until either side closes the connection.
func (c *busConn) run() {
	defer c.bus.remove(c)
	defer c.disconnect()
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
			return // the client has disconnected, or sent no D-Bus message
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

// send queues a message for the client. If the client does not read its messages, send
// disconnects it instead of blocking.
func (c *busConn) send(msg *dbus.Message) {
	select {
	case c.out <- msg:
	case <-c.quit:
	default:
		c.disconnect()
	}
}

// write writes the queued messages to the connection.
func (c *busConn) write() {
	defer c.disconnect()
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

func (c *busConn) disconnect() {
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
