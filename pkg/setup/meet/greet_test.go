package meet

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestTwoThatKnowTheTokenMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		c := h.connect(h.member(1))
		var got struct {
			LRN    int
			Method string
			Body   []string
		}
		if err := c.Call(t.Context(), "hello", []string{"there"}, &got); err != nil {
			t.Fatal(err)
		}
		if got.LRN != 1 || got.Method != "hello" || len(got.Body) != 1 || got.Body[0] != "there" {
			t.Errorf("answer: %+v", got)
		}
	})
}

func TestAMemberComesAgainWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		h.connect(m).Close()
		h.connect(m)
		c, err := m.Connect(t.Context(), h.call(netip.MustParseAddr("::ffff:10.72.32.1")))
		if err != nil {
			t.Fatal("from its bastion address:", err)
		}
		c.Close()
	})
}

func TestRefusals(t *testing.T) {
	other := NewToken()
	tests := []struct {
		name   string
		change func(*hall, *Member)
		from   netip.Addr
		want   Refusal
		kind   error
	}{
		{"a wrong token", func(_ *hall, m *Member) { m.Token = other }, address(1), WrongToken, ErrTokenInvalid},
		{"another set of servers", func(_ *hall, m *Member) { m.LRNs = []int{0, 1, 3} }, address(1), OtherServers, ErrTokenInvalid},
		{"a server twice", func(_ *hall, m *Member) { m.LRNs = []int{0, 1, 1, 2} }, address(1), OtherServers, ErrTokenInvalid},
		{"a server that is not among them", func(_ *hall, m *Member) { m.LRN = 3 }, address(3), NotMember, ErrTokenInvalid},
		{"the leader's own number", func(_ *hall, m *Member) { m.LRN = 0 }, address(0), NotMember, ErrTokenInvalid},
		{"another server's address", nil, address(2), WrongAddress, ErrTokenInvalid},
		{"nobody's address", nil, netip.MustParseAddr("192.0.2.1"), WrongAddress, ErrTokenInvalid},
		{"a second key", func(h *hall, _ *Member) { h.connect(h.member(1)).Close() }, address(1), OtherKey, ErrTokenUsed},
		{"a key that cannot be remembered", func(h *hall, _ *Member) { h.Keys.(*keys).err = errors.New("disk") }, address(1), Busy, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				m := h.member(1)
				if test.change != nil {
					test.change(h, &m)
				}
				_, err := m.Connect(t.Context(), h.call(test.from))
				if !errors.Is(err, test.want) || test.kind != nil && !errors.Is(err, test.kind) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				synctest.Wait()
				if !h.told.has(test.want) {
					t.Errorf("told: %v", h.told.events)
				}
				if r := Refusal(""); !errors.As(err, &r) || r.Hint() == "" {
					t.Error("no hint")
				}
			})
		})
	}
}

func TestTheLeaderTellsWhoCameAndWent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		m.Token = NewToken()
		for _, from := range []netip.Addr{address(1), netip.MustParseAddr("192.0.2.1")} {
			if _, err := m.Connect(t.Context(), h.call(from)); err == nil {
				t.Error("no error from", from)
			}
			synctest.Wait() // who is refused knows it before it is told
		}
		c := h.connect(h.member(2))
		synctest.Wait()
		c.Close()
		synctest.Wait()
		var got []string
		for _, e := range h.told.events {
			got = append(got, fmt.Sprint(e.What, " ", e.LRN, " ", e.Addr))
		}
		want := []string{"refused 1 10.69.1.3", "refused -1 192.0.2.1", "connected 2 10.69.2.3", "gone 2 10.69.2.3"}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestAnUnauthenticatedServerBindsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		m.Token = NewToken()
		if _, err := m.Connect(t.Context(), h.call(address(1))); !errors.Is(err, WrongToken) {
			t.Fatal(err)
		}
		h.connect(h.member(1))
	})
}

// rogue answers a member's greeting with reply.
func rogue(t *testing.T, reply func(said hello) any) net.Conn {
	members, mine := net.Pipe()
	conf, err := leaderTLS()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer mine.Close()
		session := tls.Server(mine, conf)
		data, err := readFrame(session, maxGreeting)
		if err != nil {
			return
		}
		var said hello
		if json.Unmarshal(data, &said) != nil {
			return
		}
		out, _ := frame(reply(said), maxGreeting)
		_, _ = session.Write(out)
	}()
	return members
}

func TestARogueLeaderIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		reply func(hello) any
		want  Refusal
	}{
		"one that echoes the proof":      {func(h hello) any { return welcome{Proof: h.Proof} }, RogueLeader},
		"one that echoes the greeting":   {func(h hello) any { return h }, RogueLeader},
		"one that proves nothing":        {func(hello) any { return welcome{} }, RogueLeader},
		"one with an invented refusal":   {func(hello) any { return welcome{Refusal: "\x1b[2J"} }, BadMessage},
		"one that speaks something else": {func(hello) any { return "220 ready" }, BadMessage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := Member{Token: NewToken(), LRNs: []int{0, 1, 2}, LRN: 1, Key: newKey(t)}
				_, err := m.Connect(t.Context(), rogue(t, test.reply))
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
			})
		})
	}
}

func TestAProofIsWorthNothingOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		var heard hello
		conn := rogue(t, func(said hello) any { heard = said; return welcome{} })
		if _, err := m.Connect(t.Context(), conn); !errors.Is(err, RogueLeader) {
			t.Fatal(err)
		}
		session := h.stranger(address(1))
		out, _ := frame(heard, maxGreeting)
		if _, err := session.Write(out); err != nil {
			t.Fatal(err)
		}
		if err := hear(session, nil); !errors.Is(err, WrongToken) {
			t.Errorf("replayed: %v", err)
		}
	})
}

func TestAManInTheMiddleIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		members, mine := net.Pipe()
		conf, err := leaderTLS()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer mine.Close()
			left := tls.Server(mine, conf)
			if left.HandshakeContext(t.Context()) != nil {
				return
			}
			right := h.stranger(address(1))
			defer right.Close()
			go func() { _, _ = io.Copy(right, left) }()
			_, _ = io.Copy(left, right)
		}()
		_, err = m.Connect(t.Context(), members)
		if !errors.Is(err, WrongToken) {
			t.Errorf("member: %v", err)
		}
		synctest.Wait()
		if !h.told.has(WrongToken) {
			t.Errorf("leader: %v", h.told.events)
		}
	})
}

func TestOldOrForeignTLSIsRefused(t *testing.T) {
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.2":          func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"no certificate":   func(c *tls.Config) { c.Certificates = nil },
		"another protocol": func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} },
		"no protocol":      func(c *tls.Config) { c.NextProtos = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				conf, err := memberTLS(newKey(t))
				if err != nil {
					t.Fatal(err)
				}
				change(conf)
				conf.VerifyConnection = nil
				session := tls.Client(h.call(address(1)), conf)
				defer session.Close()
				if err := session.HandshakeContext(t.Context()); err == nil {
					_, err = session.Read(make([]byte, 1))
					if err == nil || errors.Is(err, io.EOF) {
						t.Errorf("not refused: %v", err)
					}
				}
			})
		})
	}
}

func TestNoSessionIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		conf, err := memberTLS(newKey(t))
		if err != nil {
			t.Fatal(err)
		}
		conf.SessionTicketsDisabled, conf.ClientSessionCache, conf.ServerName = false, tls.NewLRUClientSessionCache(4), "leader"
		for range 2 {
			session := tls.Client(h.call(address(1)), conf)
			out, _ := frame(hello{}, maxGreeting)
			if _, err := session.Write(out); err != nil {
				t.Fatal(err)
			}
			if err := hear(session, nil); !errors.Is(err, OtherVersion) {
				t.Error(err)
			}
			if session.ConnectionState().DidResume {
				t.Error("resumed")
			}
		}
	})
}

func TestWhoSendsTooMuchOrTooSlowlyIsCutOff(t *testing.T) {
	t.Run("a giant frame", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			session := h.stranger(address(1))
			if _, err := session.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if !h.told.has(ErrTooLarge) {
				t.Errorf("told: %v", h.told.events)
			}
		})
	})
	t.Run("a byte a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			session := h.stranger(address(1))
			begin := time.Now()
			var err error
			for n := byte(0); err == nil && n < 100; n++ {
				_, err = session.Write([]byte{0})
				if n == 3 {
					_, err = session.Write([]byte{200}) // the length is complete
				}
				time.Sleep(time.Second)
			}
			if lived := time.Since(begin); err == nil || lived > greetTimeout+2*time.Second {
				t.Errorf("lived %s: %v", lived, err)
			}
		})
	})
	t.Run("nothing, before TLS", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			conn, begin := h.call(address(1)), time.Now()
			if _, err := conn.Read(make([]byte, 1)); err == nil || time.Since(begin) > greetTimeout {
				t.Errorf("after %s: %v", time.Since(begin), err)
			}
		})
	})
}

func TestStrangersTakeNobodysPlace(t *testing.T) {
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
		if _, err := m.Connect(t.Context(), h.call(address(2))); err == nil || errors.As(err, new(Refusal)) {
			t.Errorf("a fifth from one address: %v", err)
		}
		time.Sleep(greetTimeout)
		synctest.Wait()
		h.connect(m)
	})
}

func TestAProofFreesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		for range 2 * knownPlaces {
			h.connect(m)
			synctest.Wait() // the member has its answer before the leader lets go
		}
	})
}

func TestAMemberDoesNotWaitForeverForALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, silent := net.Pipe()
		defer silent.Close()
		m := Member{Token: NewToken(), LRNs: []int{0, 1, 2}, LRN: 1, Key: newKey(t)}
		begin := time.Now()
		if _, err := m.Connect(t.Context(), mine); err == nil || time.Since(begin) > greetTimeout {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
	})
}
