package meet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errRefused = errors.New("CSRRefused")

func TestErrorsOfTheHandlerAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(s *Server) {
			s.Handle = func(_ context.Context, _ Peer, method string, _ json.RawMessage) (any, error) {
				switch method {
				case "kind":
					return nil, fmt.Errorf("sign: %w: its subject is wrong", errRefused)
				case "large":
					return strings.Repeat("x", MaxMessage), nil
				case "odd":
					return func() {}, nil
				}
				return nil, nil
			}
		})
		c := h.connect(h.member(1))
		err := c.Call(t.Context(), "kind", nil, nil)
		if e := (*CallError)(nil); !errors.As(err, &e) || !errors.Is(err, errRefused) || err.Error() != "leader: kind: sign: CSRRefused: its subject is wrong" {
			t.Errorf("kind: %v", err)
		}
		if err := c.Call(t.Context(), "large", nil, nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("large answer: %v", err)
		}
		if err := c.Call(t.Context(), "odd", nil, nil); err == nil {
			t.Error("an answer that cannot be sent: no error")
		}
		if err := c.Call(t.Context(), "x", strings.Repeat("x", MaxMessage), nil); !errors.Is(err, ErrTooLarge) {
			t.Errorf("large request: %v", err)
		}
		if err := c.Call(t.Context(), "nothing", nil, nil); err != nil {
			t.Errorf("after all that: %v", err)
		}
		if want := []string{"connected 1 10.69.1.3"}; !slices.Equal(h.told.texts(), want) {
			t.Errorf("on more than one connection: %q", h.told.texts())
		}
	})
}

// barrier returns a change of a Server: its handler answers the request "barrier" when
// open is closed. If the context of the request ends first, the handler sends the cause
// to ended.
func barrier(open <-chan struct{}, ended chan<- error) func(*Server) {
	return func(s *Server) {
		s.Handle = func(ctx context.Context, _ Peer, method string, _ json.RawMessage) (any, error) {
			if method != "barrier" {
				return "at once", nil
			}
			select {
			case <-open:
				return "open", nil
			case <-ctx.Done():
				if ended != nil {
					ended <- context.Cause(ctx)
				}
				return nil, ctx.Err()
			}
		}
	}
}

func TestARequestMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		h := open(t, barrier(gate, nil))
		c := h.connect(h.member(1))
		got := make(chan string)
		go func() {
			var s string
			if err := c.Call(t.Context(), "barrier", nil, &s); err != nil {
				t.Error(err)
			}
			got <- s
		}()
		time.Sleep(2 * time.Hour)
		var s string
		if err := h.connect(h.member(2)).Call(t.Context(), "other", nil, &s); err != nil || s != "at once" {
			t.Errorf("meanwhile: %q, %v", s, err)
		}
		close(gate)
		if s := <-got; s != "open" {
			t.Errorf("answer: %q", s)
		}
	})
}

// TestARequestThatIsRepeatedIsMadeAnew checks that a repeated request is encoded again,
// because its contents may depend on the time.
func TestARequestThatIsRepeatedIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		h := open(t, func(s *Server) {
			s.Handle = func(ctx context.Context, _ Peer, _ string, body json.RawMessage) (any, error) {
				bodies = append(bodies, string(body))
				if len(bodies) == 3 {
					return nil, nil
				}
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		begin := time.Now()
		if err := h.client(h.member(1)).Call(t.Context(), "x", counter(new(atomic.Int64).Add), nil); err != nil {
			t.Error(err)
		}
		if want := []string{"1", "2", "3"}; !slices.Equal(bodies, want) || time.Since(begin) != 2*answerTimeout {
			t.Errorf("requests %q within %s", bodies, time.Since(begin))
		}
	})
}

type counter func(int64) int64

func (c counter) MarshalJSON() ([]byte, error) { return json.Marshal(c(1)) }

func TestAHandlerEndsWithWhoeverWaits(t *testing.T) {
	for name, end := range map[string]func(c *Client, cancel func()){
		"its call":       func(_ *Client, cancel func()) { cancel() },
		"its connection": func(c *Client, _ func()) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ended := make(chan error, 1)
				h := open(t, barrier(nil, ended))
				c := h.connect(h.member(1))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				returned := make(chan error, 1)
				go func() { returned <- c.Call(ctx, "barrier", nil, nil) }()
				synctest.Wait()
				begin := time.Now()
				end(c, cancel)
				if err := <-returned; err == nil {
					t.Error("the call: no error")
				}
				if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(begin) > 0 {
					t.Errorf("the handler: %v after %s", err, time.Since(begin))
				}
			})
		})
	}
}

func TestALeaderThatEndsEndsTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 2)
		h := open(t, barrier(nil, ended))
		a, b := h.connect(h.member(1)), h.connect(h.member(2))
		errs := make(chan error, 2)
		for _, c := range []*Client{a, b} {
			go func() { errs <- c.Call(t.Context(), "barrier", nil, nil) }()
		}
		synctest.Wait()
		begin := time.Now()
		h.stop()
		if len(ended) != 2 {
			t.Errorf("%d handlers have ended before Serve returned", len(ended))
		}
		for range 2 {
			if err := <-errs; !errors.Is(err, ErrDisconnected) || time.Since(begin) > 0 {
				t.Errorf("after %s: %v", time.Since(begin), err)
			}
		}
	})
}

// TestALostConnectionIsReplaced checks that the client sends its proof and the request
// of Member.Hello on the new connection before it repeats its request.
func TestALostConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		h := open(t, func(s *Server) {
			s.Handle = func(_ context.Context, _ Peer, method string, body json.RawMessage) (any, error) {
				asked = append(asked, method+string(body))
				return nil, nil
			}
		})
		m := h.member(1)
		said := 0
		m.Hello = func() (string, any) { said++; return "hello", said }
		var conns []net.Conn
		c := newClient(m, func(ctx context.Context) (net.Conn, error) {
			conn, err := h.dial(ctx, address(1))
			conns = append(conns, conn)
			return conn, err
		})
		defer c.Close()
		for n := range 3 {
			if n > 0 {
				conns[n-1].Close()
				if err := c.Call(t.Context(), "x", n, nil); !errors.Is(err, ErrDisconnected) {
					t.Error(err)
				}
			}
			for range 2 {
				if err := c.Call(t.Context(), "x", n, nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := []string{"hello1", "x0", "x0", "hello2", "x1", "x1", "hello3", "x2", "x2"}
		if !slices.Equal(asked, want) || len(conns) != 3 {
			t.Errorf("%q on %d connections", asked, len(conns))
		}
	})
}

func TestAConnectionLostDuringACallIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		h := open(t, barrier(gate, nil))
		var conn net.Conn
		c := newClient(h.member(1), func(ctx context.Context) (_ net.Conn, err error) {
			conn, err = h.dial(ctx, address(1))
			return conn, err
		})
		defer c.Close()
		lost := make(chan error)
		go func() { lost <- c.Call(t.Context(), "barrier", nil, nil) }()
		synctest.Wait()
		conn.Close()
		if err := <-lost; !errors.Is(err, ErrDisconnected) || errors.Is(err, ErrUnreachable) {
			t.Error(err)
		}
		close(gate)
		if err := c.Call(t.Context(), "barrier", nil, nil); err != nil {
			t.Errorf("repeated: %v", err)
		}
	})
}

func TestAnErrorOfTheHelloIsThatOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, func(s *Server) {
			s.Handle = func(_ context.Context, _ Peer, method string, _ json.RawMessage) (any, error) {
				return nil, fmt.Errorf("%s: %w", method, errRefused)
			}
		})
		m := h.member(1)
		m.Hello = func() (string, any) { return "hello", nil }
		err := h.client(m).Call(t.Context(), "x", nil, nil)
		if !errors.Is(err, errRefused) || errors.Is(err, ErrUnreachable) || err.Error() != "leader: hello: hello: CSRRefused" {
			t.Error(err)
		}
	})
}

func TestOnlyWhatMayPassIsUnreachable(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{errors.New("connection refused"), true},
		{fmt.Errorf("meet leader: %w", Busy), true},
		{fmt.Errorf("meet leader: %w", OtherKey), false},
		{&CallError{Text: "does not fit"}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(Member{}, func(context.Context) (net.Conn, error) { return nil, test.err })
			defer c.Close()
			err := c.Call(t.Context(), "x", nil, nil)
			if errors.Is(err, ErrUnreachable) != test.want || err.Error() != test.err.Error() {
				t.Errorf("%v: %v", test.err, err)
			}
		})
	}
}

func TestTooManyConnectionsOfAServerAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		first := h.connect(m)
		for range maxConnections - 1 {
			h.connect(m)
		}
		if err := h.client(m).Call(t.Context(), "x", nil, nil); !errors.Is(err, Busy) || !errors.Is(err, ErrUnreachable) {
			t.Errorf("one too many: %v", err)
		}
		h.connect(h.member(2))
		first.Close()
		synctest.Wait()
		h.connect(m)
	})
}
