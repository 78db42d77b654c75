package meet

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
	})
}

// barrier lets nobody through until it is opened.
func barrier(open <-chan struct{}, ended chan<- error) func(*Server) {
	return func(s *Server) {
		s.Handle = func(ctx context.Context, p Peer, method string, _ json.RawMessage) (any, error) {
			if method != "barrier" {
				return "at once", nil
			}
			select {
			case <-open:
				return "open", nil
			case <-ctx.Done():
				ended <- context.Cause(ctx)
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
		time.Sleep(time.Hour)
		var s string
		if err := c.Call(t.Context(), "other", nil, &s); err != nil || s != "at once" {
			t.Errorf("meanwhile: %q, %v", s, err)
		}
		close(gate)
		if s := <-got; s != "open" {
			t.Errorf("answer: %q", s)
		}
	})
}

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
				end(c, cancel)
				if err := <-returned; err == nil {
					t.Error("the call: no error")
				}
				<-ended
			})
		})
	}
}

func TestALeaderThatEndsEndsTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		h := open(t, barrier(nil, ended))
		ctx, cancel := context.WithCancel(t.Context())
		conns := make(chan struct{})
		go func() {
			defer close(conns)
			if err := h.Serve(ctx, &listener{conns: h.conns, closed: make(chan struct{})}); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		// Two leaders listen; calls go to them in turn, so both get one.
		a, b := h.connect(h.member(1)), h.connect(h.member(2))
		errs := make(chan error, 2)
		for _, c := range []*Client{a, b} {
			go func() { errs <- c.Call(t.Context(), "barrier", nil, nil) }()
		}
		synctest.Wait()
		cancel()
		<-conns
		if err := <-errs; !errors.Is(err, ErrDisconnected) {
			t.Error(err)
		}
		<-ended
	})
}

func TestTooManyRequestsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, maxRunning)
		h := open(t, barrier(nil, ended))
		c := h.connect(h.member(1))
		for range maxRunning {
			go func() { _ = c.Call(t.Context(), "barrier", nil, nil) }()
		}
		synctest.Wait()
		err := c.Call(t.Context(), "x", nil, nil)
		if e := (*CallError)(nil); !errors.As(err, &e) {
			t.Errorf("one too many: %v", err)
		}
	})
}

func TestASilentPeerIsGivenUp(t *testing.T) {
	t.Run("by the leader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan error, 1)
			h := open(t, barrier(nil, ended))
			m := h.member(1)
			session, err := m.greet(t.Context(), h.call(address(1)))
			if err != nil {
				t.Fatal(err)
			}
			out, _ := frame(request{ID: 1, Method: "barrier"}, MaxMessage)
			if _, err := session.Write(out); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			// Half a frame, and then nothing.
			if _, err := session.Write([]byte{0, 0, 1}); err != nil {
				t.Fatal(err)
			}
			<-ended
			if d := time.Since(begin); d > silenceTimeout {
				t.Errorf("after %s", d)
			}
		})
	})
	t.Run("by a member", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			m := h.member(1)
			members, leaders := silentLeader(t, h, m)
			defer leaders()
			begin := time.Now()
			if err := members.Call(t.Context(), "x", nil, nil); !errors.Is(err, ErrDisconnected) {
				t.Error(err)
			}
			if d := time.Since(begin); d > silenceTimeout+writeTimeout {
				t.Errorf("after %s", d)
			}
			members.Close()
		})
	})
}

func TestAHugeFrameAfterTheProofEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		session, err := h.member(1).greet(t.Context(), h.call(address(1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.Write(binary.BigEndian.AppendUint32(nil, MaxMessage+1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !h.told.has(ErrTooLarge) {
			t.Errorf("told: %v", h.told.events)
		}
	})
}
