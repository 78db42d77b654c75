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

// Client sends requests to the leader on one connection, one request at a time.
type Client struct {
	member Member
	dial   func(context.Context) (net.Conn, error)
	ended  context.Context
	end    context.CancelFunc

	mu   sync.Mutex
	conn net.Conn // authenticated connection; nil if there is none
}

// NewClient returns a client with which the server m sends requests to the leader at
// addr. The client connects on the first call; the caller must close it.
func NewClient(m Member, addr netip.AddrPort) *Client {
	return newClient(m, func(ctx context.Context) (net.Conn, error) { return m.dial(ctx, addr) })
}

func newClient(m Member, dial func(context.Context) (net.Conn, error)) *Client {
	c := &Client{member: m, dial: dial}
	c.ended, c.end = context.WithCancel(context.Background())
	return c
}

// Close closes the connection and makes running and later calls fail.
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

// Call sends in as a request for method and decodes the answer into out, unless out is
// nil. It repeats the request while the leader has no answer yet, and blocks until an
// answer arrives, the connection is lost (ErrDisconnected) or ctx ends. An error of the
// leader's handler is a *CallError.
//
// Without a connection, Call first connects to the leader, exchanges proofs and sends
// the request of Member.Hello. If that fails, the error is ErrUnreachable, or
// permanent: a Refusal other than Busy, or a *CallError for the request of
// Member.Hello.
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
	return fmt.Errorf("request %s to the leader: %w", method, err)
}

// connect opens the connection, exchanges proofs of the setup token and sends the
// request of Member.Hello.
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

// connectError is an error that has prevented a connection to the leader.
type connectError struct{ error }

// Unwrap returns the error that prevented the connection.
func (e connectError) Unwrap() error { return e.error }

// Is reports whether target is ErrUnreachable and e may be temporary. A CallError and
// every Refusal except Busy are permanent.
func (e connectError) Is(target error) bool {
	var refused Refusal
	var failed *CallError
	return target == ErrUnreachable && !errors.As(e.error, &failed) && (!errors.As(e.error, &refused) || refused == Busy)
}

// ask sends a request once and decodes the answer into out. If the exchange fails or
// ctx ends, ask closes the connection.
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

// decode decodes data, the leader's answer with the HTTP status status, into out. It
// returns errNotYet if the request must be repeated, and a *CallError if the handler
// has failed.
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
