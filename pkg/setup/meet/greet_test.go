package meet

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
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
		if _, err := m.connect(t.Context(), h.call(netip.MustParseAddr("::ffff:10.72.32.1"))); err != nil {
			t.Fatal("from its bastion address:", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	other := NewToken()
	tests := []struct {
		name   string
		change func(*leaderUnderTest, *Member)
		from   netip.Addr
		want   Refusal
		kind   error
	}{
		{"a wrong token", func(_ *leaderUnderTest, m *Member) { m.Token = other }, address(1), WrongToken, ErrTokenInvalid},
		{"another set of servers", func(_ *leaderUnderTest, m *Member) { m.LRNs = []int{0, 1, 3} }, address(1), OtherServers, ErrTokenInvalid},
		{"a server twice", func(_ *leaderUnderTest, m *Member) { m.LRNs = []int{0, 1, 1, 2} }, address(1), OtherServers, ErrTokenInvalid},
		{"a server that is not among them", func(_ *leaderUnderTest, m *Member) { m.LRN = 3 }, address(3), NotMember, ErrTokenInvalid},
		{"the leader's own number", func(_ *leaderUnderTest, m *Member) { m.LRN = 0 }, address(0), NotMember, ErrTokenInvalid},
		{"another server's address", nil, address(2), WrongAddress, ErrTokenInvalid},
		{"nobody's address", nil, netip.MustParseAddr("192.0.2.1"), WrongAddress, ErrTokenInvalid},
		{"a second key", func(h *leaderUnderTest, _ *Member) { h.connect(h.member(1)).Close() }, address(1), OtherKey, ErrTokenUsed},
		{"a key that cannot be remembered", func(h *leaderUnderTest, _ *Member) { h.Keys.(*keys).err = errors.New("disk") }, address(1), Busy, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := open(t, nil)
				m := h.member(1)
				if test.change != nil {
					test.change(h, &m)
				}
				_, err := m.connect(t.Context(), h.call(test.from))
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
			if _, err := m.connect(t.Context(), h.call(from)); err == nil {
				t.Error("no error from", from)
			}
			synctest.Wait() // the client receives its refusal before the event is reported
		}
		c := h.connect(h.member(2))
		synctest.Wait()
		c.Close()
		synctest.Wait()
		want := []string{"refused 1 10.69.1.3", "refused -1 192.0.2.1", "connected 2 10.69.2.3", "gone 2 10.69.2.3"}
		if got := h.told.texts(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestAnUnauthenticatedServerBindsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		m.Token = NewToken()
		if _, err := m.connect(t.Context(), h.call(address(1))); !errors.Is(err, WrongToken) {
			t.Fatal(err)
		}
		h.connect(h.member(1))
	})
}

// rogue returns a connection to a leader that answers the member's first message with
// reply: with a string unchanged, with another value in JSON.
func rogue(t *testing.T, reply func(said hello) any) net.Conn {
	members, mine := net.Pipe()
	conf, err := leaderTLS()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer mine.Close()
		session := tls.Server(mine, conf)
		req, err := http.ReadRequest(bufio.NewReader(session))
		if err != nil {
			return
		}
		var said hello
		if json.NewDecoder(req.Body).Decode(&said) != nil {
			return
		}
		answer := reply(said)
		text, ok := answer.(string)
		if !ok {
			data, _ := json.Marshal(answer)
			text = fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(data), data)
		}
		_, _ = io.WriteString(session, text)
	}()
	return members
}

func TestARogueLeaderIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		reply func(hello) any
		want  error
	}{
		"one that echoes the proof":      {func(h hello) any { return welcome{Proof: h.Proof} }, RogueLeader},
		"one that echoes the greeting":   {func(h hello) any { return h }, RogueLeader},
		"one that proves nothing":        {func(hello) any { return welcome{} }, RogueLeader},
		"one with an invented refusal":   {func(hello) any { return welcome{Refusal: "\x1b[2J"} }, BadMessage},
		"one that speaks something else": {func(hello) any { return "220 ready\r\n" }, BadMessage},
		"one that has no JSON":           {func(hello) any { return "HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx" }, BadMessage},
		"one that says more than asked":  {func(hello) any { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n" }, BadMessage},
		"one that speaks without end":    {func(hello) any { return "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 99*maxGreeting) + "\r\n\r\n" }, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := Member{Token: NewToken(), LRNs: []int{0, 1, 2}, LRN: 1, Key: newKey(t)}
				_, err := m.connect(t.Context(), rogue(t, test.reply))
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
			})
		})
	}
}

// offer sends the message h as a client and returns the leader's refusal.
func offer(t *testing.T, session net.Conn, h hello) error {
	t.Helper()
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	_, answer, err := exchange(session, proofPath, data, maxGreeting)
	if err != nil {
		t.Fatal(err)
	}
	return checkWelcome(answer, nil)
}

func TestAProofIsWorthNothingOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		m := h.member(1)
		var heard hello
		conn := rogue(t, func(said hello) any { heard = said; return welcome{} })
		if _, err := m.connect(t.Context(), conn); !errors.Is(err, RogueLeader) {
			t.Fatal(err)
		}
		session := h.session(m.Key, address(1), alpn)
		if err := offer(t, session, heard); !errors.Is(err, WrongToken) {
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
			right := h.unproved(address(1))
			defer right.Close()
			go func() { _, _ = io.Copy(right, left) }()
			_, _ = io.Copy(left, right)
		}()
		_, err = m.connect(t.Context(), members)
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
			if err := offer(t, session, hello{}); !errors.Is(err, OtherVersion) {
				t.Error(err)
			}
			if session.ConnectionState().DidResume {
				t.Error("resumed")
			}
		}
	})
}

// refusedBefore reads a refusal from r, as a client of the previous protocol version
// does.
func refusedBefore(t *testing.T, r io.Reader) (w welcome) {
	t.Helper()
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, binary.BigEndian.Uint32(header[:]))
	if _, err := io.ReadFull(r, data); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAServerOfTheProtocolBeforeIsRefused(t *testing.T) {
	const greeting = `{"version":1,"lrn":1,"lrns":[0,1,2],"proof":"AAAA"}`
	text := string(binary.BigEndian.AppendUint32(nil, uint32(len(greeting)))) + greeting
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		session := h.session(newKey(t), address(1), "neco-setup/1")
		write(t, session, text)
		if w := refusedBefore(t, session); w.Refusal != "other-version" || len(w.Proof) > 0 {
			t.Errorf("answer: %+v", w)
		}
		if rest, took := closed(session); rest != "" || took > 0 {
			t.Errorf("then %q, and closed after %s", rest, took)
		}
		synctest.Wait()
		const want = "the leader runs another version of neco: it uses neco-setup/1, the leader neco-setup/2"
		if len(h.told.events) != 1 || h.told.events[0].LRN != 1 || h.told.events[0].Err.Error() != want {
			t.Errorf("events: %+v", h.told.events)
		}
	})
	t.Run("that says nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := open(t, nil)
			if _, took := closed(h.session(newKey(t), address(1), "neco-setup/1")); took != greetTimeout {
				t.Errorf("closed after %s", took)
			}
		})
	})
}

func TestAGreetingOfAnotherVersionIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, nil)
		for _, version := range []int{1, 3} {
			if err := offer(t, h.unproved(address(1)), hello{Version: version, LRN: 1, LRNs: []int{0, 1, 2}}); !errors.Is(err, OtherVersion) {
				t.Errorf("%d: %v", version, err)
			}
		}
	})
}

func TestALeaderOfAnotherProtocolIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members, mine := net.Pipe()
		conf, err := leaderTLS()
		if err != nil {
			t.Fatal(err)
		}
		conf.NextProtos = []string{"neco-setup/1"}
		go func() {
			defer mine.Close()
			_ = tls.Server(mine, conf).HandshakeContext(t.Context())
		}()
		m := Member{Token: NewToken(), LRNs: []int{0, 1, 2}, LRN: 1, Key: newKey(t)}
		if _, err := m.connect(t.Context(), members); !errors.Is(err, OtherVersion) {
			t.Error(err)
		}
	})
}

func TestAMemberDoesNotWaitForeverForALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mine, silent := net.Pipe()
		defer silent.Close()
		m := Member{Token: NewToken(), LRNs: []int{0, 1, 2}, LRN: 1, Key: newKey(t)}
		begin := time.Now()
		if _, err := m.connect(t.Context(), mine); err == nil || time.Since(begin) > greetTimeout {
			t.Errorf("after %s: %v", time.Since(begin), err)
		}
	})
}
