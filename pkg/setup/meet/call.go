package meet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Client asks the leader, on one connection: one call at a time.
type Client struct {
	member Member
	dial   func(context.Context) (net.Conn, error)
	ended  context.Context
	end    context.CancelFunc

	mu   sync.Mutex
	conn net.Conn // after the proof and the hello; nil if there is none
}

// NewClient returns a client of the leader at addr.  It must be closed.
func NewClient(m Member, addr netip.AddrPort) *Client {
	return newClient(m, func(ctx context.Context) (net.Conn, error) { return m.dial(ctx, addr) })
}

func newClient(m Member, dial func(context.Context) (net.Conn, error)) *Client {
	c := &Client{member: m, dial: dial}
	c.ended, c.end = context.WithCancel(context.Background())
	return c
}

// Close ends the connection and all calls.
func (c *Client) Close() {
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hang()
}

func (c *Client) hang() {
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = nil
}

// Call sends a request and decodes the answer into out, unless that is nil.  It
// connects, proves itself and says hello first if there is no connection, and
// repeats the request while the leader has no answer yet.  It blocks until the
// answer is there, ctx ends or the connection does (ErrDisconnected).  Without a
// connection the error is ErrUnreachable, or final: a Refusal, or the hello's.  An
// error of the leader's handler is a *CallError.
func (c *Client) Call(ctx context.Context, method string, in, out any) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ended, func() { cancel(ErrDisconnected) })()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		if err := c.connect(ctx); err != nil {
			return err
		}
	}
	err := errNotYet
	for errors.Is(err, errNotYet) {
		err = c.ask(ctx, method, in, out)
	}
	if failed := (*CallError)(nil); err == nil || errors.As(err, &failed) {
		return err
	}
	return fmt.Errorf("ask leader: %s: %w", method, err)
}

// connect makes the connection.
func (c *Client) connect(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err == nil {
		conn, err = c.member.connect(ctx, conn)
	}
	if err == nil && c.member.Hello != nil {
		c.conn = conn
		method, in := c.member.Hello()
		err = c.ask(ctx, method, in, nil)
	}
	if err != nil {
		c.hang()
		return connectError{err}
	}
	c.conn = conn
	return nil
}

// connectError is why there is no connection to the leader.
type connectError struct{ error }

// Unwrap returns the reason.
func (e connectError) Unwrap() error { return e.error }

// Is reports that e is ErrUnreachable if it makes sense to connect again.
func (e connectError) Is(target error) bool {
	var refused Refusal
	var failed *CallError
	return target == ErrUnreachable && !errors.As(e.error, &failed) && (!errors.As(e.error, &refused) || refused == Busy)
}

// ask sends a request once.  The connection ends with ctx.
func (c *Client) ask(ctx context.Context, method string, in, out any) error {
	body, err := marshal(in)
	if err != nil {
		return err
	}
	conn := c.conn
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var status int
	if err = conn.SetDeadline(time.Now().Add(answerTimeout + writeTimeout)); err == nil {
		status, body, err = exchange(conn, callPath+method, body, maxHeader+MaxMessage)
	}
	switch {
	case err == nil:
		return decode(method, status, body, out)
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = fmt.Errorf("%w: %w", ErrDisconnected, err)
	}
	c.hang()
	return err
}

// decode reads an answer of the leader.
func decode(method string, status int, data []byte, out any) error {
	switch {
	case status == http.StatusAccepted:
		return errNotYet
	case status != http.StatusOK:
		e := CallError{Method: method}
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("an answer with status %d", status)
		}
		return &e
	case out == nil:
		return nil
	}
	return json.Unmarshal(data, out)
}
