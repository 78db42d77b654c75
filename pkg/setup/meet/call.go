package meet

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// Client is a member's connection to the leader.
type Client struct {
	wire  *wire
	stop  context.CancelCauseFunc
	ended context.Context // its cause is why the connection ended
	wg    sync.WaitGroup

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan answer
}

func newClient(session *tls.Conn) *Client {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &Client{wire: newWire(session), stop: cancel, ended: ctx, waiting: map[uint64]chan answer{}}
	context.AfterFunc(ctx, c.wire.hang)
	c.wg.Go(func() { cancel(c.wire.ping(ctx, request{})) })
	c.wg.Go(func() { cancel(c.receive()) })
	return c
}

// Close ends the connection and all calls on it.
func (c *Client) Close() {
	c.stop(errors.New("closed here"))
	c.wg.Wait()
}

func (c *Client) receive() error {
	for {
		var a answer
		if err := c.wire.receive(&a); err != nil {
			return err
		}
		c.mu.Lock()
		if wait, ok := c.waiting[a.ID]; ok {
			delete(c.waiting, a.ID)
			wait <- a // has room
		}
		c.mu.Unlock()
	}
}

// Call sends a request and decodes the answer into out, unless that is nil.  It
// blocks until the answer is there, ctx ends or the connection does
// (ErrDisconnected).  An error of the leader's handler is a *CallError.
// Several calls may be under way at a time.
func (c *Client) Call(ctx context.Context, method string, in, out any) error {
	if err := c.call(ctx, method, in, out); err != nil {
		if e := (*CallError)(nil); errors.As(err, &e) {
			return err
		}
		return fmt.Errorf("ask leader: %s: %w", method, err)
	}
	return nil
}

func (c *Client) call(ctx context.Context, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	id, wait := c.expect()
	defer c.forget(id)
	if err := c.wire.send(request{ID: id, Method: method, Body: body}); errors.Is(err, ErrTooLarge) {
		return err
	} else if err != nil {
		c.stop(err)
	}
	select {
	case a := <-wait:
		return a.decode(method, out)
	case <-c.ended.Done():
		return fmt.Errorf("%w: %w", ErrDisconnected, context.Cause(c.ended))
	case <-ctx.Done():
		if err := c.wire.send(request{ID: id, Cancel: true}); err != nil {
			c.stop(err)
		}
		return context.Cause(ctx)
	}
}

func (a answer) decode(method string, out any) error {
	if a.Error != "" {
		return &CallError{method, a.Error, a.Kind}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Body, out)
}

func (c *Client) expect() (uint64, chan answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	wait := make(chan answer, 1)
	c.waiting[c.last] = wait
	return c.last, wait
}

func (c *Client) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}
