package meet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// post returns the header of an HTTP request for path with a body of the given length.
func post(path string, length int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: leader\r\nContent-Length: %d\r\n\r\n", path, length)
}

func TestAnUnauthenticatedClientMaySendLittle(t *testing.T) {
	long := strings.Repeat("x", maxGreeting)
	for name, send := range map[string]string{
		"a long line":       "POST /" + long,
		"a long header":     "POST /proof HTTP/1.1\r\nHost: leader\r\nCookie: " + long,
		"many headers":      "POST /proof HTTP/1.1\r\nHost: leader\r\n" + strings.Repeat("A: b\r\n", maxGreeting/6),
		"a long body":       post(proofPath, len(long)) + long,
		"a body of a chunk": "POST /proof HTTP/1.1\r\nHost: leader\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n" + long,
		"a body elsewhere":  post("/elsewhere", len(long)) + long,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				session := h.unproved(address(1))
				go func() { _, _ = io.WriteString(session, send) }()
				_, took := closed(session)
				synctest.Wait()
				if !h.told.has(ErrTooLarge) && !h.told.has(BadMessage) || took > greetTimeout {
					t.Errorf("events %+v, after %s", h.told.events, took)
				}
			})
		})
	}
}

// TestAGreetingIsCountedWithItsHeaders sends a first message of the maximum size, and
// one with a byte more.
func TestAGreetingIsCountedWithItsHeaders(t *testing.T) {
	head := post(proofPath, 9999)
	head = post(proofPath, maxGreeting-len(head))
	for extra, want := range map[int]error{0: BadMessage, 1: ErrTooLarge} {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			session := h.unproved(address(1))
			go func() { _, _ = io.WriteString(session, head+strings.Repeat("x", maxGreeting-len(head)+extra)) }()
			closed(session)
			synctest.Wait()
			if !h.told.has(want) {
				t.Errorf("%d bytes: %+v", maxGreeting+extra, h.told.events)
			}
		})
	}
}

func TestAnUnauthenticatedClientHasLittleTime(t *testing.T) {
	for name, test := range map[string]struct{ atOnce, slowly string }{
		"in its headers": {"", post(proofPath, 100)},
		"in its body":    {post(proofPath, 100), strings.Repeat("x", 100)},
	} {
		t.Run("a byte a second "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				session, begin := h.unproved(address(1)), time.Now()
				_, err := io.WriteString(session, test.atOnce)
				for n := 0; err == nil && n < len(test.slowly); n++ {
					_, err = io.WriteString(session, test.slowly[n:n+1])
					time.Sleep(time.Second)
				}
				if lived := time.Since(begin); err == nil || lived > greetTimeout+2*time.Second {
					t.Errorf("lived %s: %v", lived, err)
				}
				if !h.told.has(os.ErrDeadlineExceeded) {
					t.Errorf("events: %+v", h.told.events)
				}
			})
		})
	}
	for name, connect := range map[string]func(h *leaderUnderTest) net.Conn{
		"nothing, before TLS": func(h *leaderUnderTest) net.Conn { return h.call(address(1)) },
		"nothing, after TLS":  func(h *leaderUnderTest) net.Conn { return h.unproved(address(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				conn := connect(h)
				if _, took := closed(conn); took != greetTimeout {
					t.Errorf("after %s", took)
				}
				synctest.Wait()
				if !h.told.has(os.ErrDeadlineExceeded) {
					t.Errorf("events: %+v", h.told.events)
				}
			})
		})
	}
	t.Run("who does not read the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			write(t, h.unproved(address(1)), post(proofPath, 2)+"{}")
			time.Sleep(greetTimeout)
			synctest.Wait()
			if !h.told.has(OtherVersion) {
				t.Errorf("events: %+v", h.told.events)
			}
		})
	})
}

func TestWithoutAProofNothingIsAnswered(t *testing.T) {
	for name, send := range map[string]string{
		"a request":        post(callPath+"sign", 2) + "{}",
		"a proof by GET":   "GET /proof HTTP/1.1\r\nHost: leader\r\n\r\n",
		"a wrong proof":    post(proofPath, 2) + "{}",
		"OPTIONS":          "OPTIONS * HTTP/1.1\r\nHost: leader\r\n\r\n",
		"CONNECT":          "CONNECT leader:22 HTTP/1.1\r\nHost: leader\r\n\r\n",
		"HTTP/2":           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"no HTTP":          "220 ready\r\n",
		"the old protocol": "\x00\x00\x00\x0d{\"version\":1}",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				h.Handle = nil // a call of it would panic
				session := h.unproved(address(1))
				// A second request finds the connection closed.
				go func() { _, _ = io.WriteString(session, send+post(callPath+"sign", 2)+"{}") }()
				answer, took := closed(session)
				if n := strings.Count(answer, "HTTP/1.1 "); n != 1 || !strings.HasPrefix(answer, "HTTP/1.1 4") || took > time.Second {
					t.Errorf("answer %q after %s", answer, took)
				}
				synctest.Wait()
				if got := h.told.texts(); len(got) != 1 || got[0] != "refused 1 10.69.1.3" || h.told.events[0].Err == nil {
					t.Errorf("events: %+v", h.told.events)
				}
			})
		})
	}
}

// TestAProofIsOfItsConnectionAlone checks that another connection with the same key
// needs its own proof.
func TestAProofIsOfItsConnectionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		proved := h.prove(m)
		other := h.session(m.Key, address(1), alpn)
		write(t, other, post(callPath+"x", 2)+"{}")
		if answer, _ := closed(other); !strings.HasPrefix(answer, "HTTP/1.1 403 ") || !strings.Contains(answer, string(BadMessage)) {
			t.Errorf("without proof: %q", answer)
		}
		if status, _, err := exchange(proved, callPath+"x", []byte("{}"), MaxMessage); status != http.StatusOK {
			t.Errorf("with proof: %d, %v", status, err)
		}
	})
}

func TestUnauthenticatedClientsTakeNobodysPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		foreign := netip.MustParseAddr("192.0.2.1")
		for range 3 * unknownPlaces {
			h.call(foreign)
		}
		for range 3 * knownPlaces {
			h.call(address(2))
		}
		synctest.Wait()
		h.connect(h.member(1))
		m := h.member(2)
		if _, err := m.connect(t.Context(), h.call(address(2))); err == nil || errors.As(err, new(Refusal)) {
			t.Errorf("a fifth from one address: %v", err)
		}
		time.Sleep(greetTimeout)
		synctest.Wait()
		if n := len(h.told.texts()) - 1; n != knownPlaces+unknownPlaces {
			t.Errorf("%d connections without proof were accepted", n)
		}
		h.connect(m)
	})
}

func TestAProofFreesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		for range 2 * knownPlaces {
			h.connect(m)
		}
	})
}

func TestAServerThatHasProvedItselfHasLimits(t *testing.T) {
	for name, test := range map[string]struct {
		send   string
		within time.Duration
		want   error
	}{
		"half a head":      {post(callPath+"x", 0)[:20], greetTimeout, ErrDisconnected},
		"half a body":      {post(callPath+"x", 9) + "x", requestTimeout, os.ErrDeadlineExceeded},
		"a huge body":      {post(callPath+"x", MaxMessage+1) + strings.Repeat("x", MaxMessage+1), time.Second, ErrTooLarge},
		"a huge header":    {"POST / HTTP/1.1\r\nHost: leader\r\nCookie: " + strings.Repeat("x", 3*maxHeader), time.Second, ErrDisconnected},
		"nothing for long": {"", idleTimeout, ErrDisconnected},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				session := h.prove(h.member(1))
				go func() { _, _ = io.WriteString(session, test.send) }()
				if _, took := closed(session); took > test.within || took < test.within-time.Second {
					t.Errorf("closed after %s", took)
				}
				time.Sleep(time.Second) // net/http lets the client read its answer
				synctest.Wait()
				if !h.told.has(test.want) {
					t.Errorf("events: %+v", h.told.events)
				}
			})
		})
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	for name, answer := range map[string]string{
		"headers": "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 9*MaxMessage),
		"body":    fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 9*MaxMessage) + strings.Repeat("x", 9*MaxMessage),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mine, leaders := net.Pipe()
				sent := make(chan int, 1)
				go func() {
					defer leaders.Close()
					if _, err := http.ReadRequest(bufio.NewReader(leaders)); err != nil {
						t.Error(err)
					}
					n, _ := io.WriteString(leaders, answer)
					sent <- n
				}()
				c := newClient(Member{}, nil)
				defer c.Close()
				c.conn = mine
				if err := c.Call(t.Context(), "x", nil, nil); err == nil {
					t.Error("no error")
				}
				if n := <-sent; n > MaxMessage+64<<10 {
					t.Errorf("%d bytes were read", n)
				}
			})
		})
	}
}

// failing is a listener whose first Accept returns a transient error.
type failing struct {
	net.Listener
	failed bool
}

// Accept implements net.Listener.
func (f *failing) Accept() (net.Conn, error) {
	if !f.failed {
		f.failed = true
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestNetHTTPPrintsNothing(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- h.Serve(ctx, &failing{Listener: &memory{conns: make(chan net.Conn), closed: make(chan struct{})}})
		}()
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		write(t, h.unproved(address(1)), "220 ready\r\n")
	})
	if printed.Len() > 0 {
		t.Error(printed.String())
	}
}
