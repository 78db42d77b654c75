package network

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// quiet is how long no data must arrive until the test assumes that the link is cut.
// Otherwise data arrives much faster.
const quiet = 100 * time.Millisecond

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve runs f until the test ends, and waits for its end.
func serve(t *testing.T, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// echo is a server that sends every line back.
func echo(t *testing.T) string {
	t.Helper()
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return l.Addr().String()
}

// talker is a client that sends lines and waits for their echo.
type talker struct {
	net.Conn
	r *bufio.Reader
}

func dialTalker(t *testing.T, address string) talker {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return talker{conn, bufio.NewReader(conn)}
}

func (c talker) send(t *testing.T, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
}

// receives reports whether a line that was sent comes back within d.
func (c talker) receives(line string, d time.Duration) bool {
	c.SetReadDeadline(time.Now().Add(d))
	got, err := c.r.ReadString('\n')
	return err == nil && got == line+"\n"
}

func TestALinkThatIsCutIsSilentUntilItIsHealed(t *testing.T) {
	for _, tc := range []struct {
		name string
		link Link
		cut  int
		dies bool
	}{
		{"from the server that is cut off", Between(1, 2), 1, true},
		{"to the server that is cut off", Between(1, 2), 2, true},
		{"from the server to itself", Between(1, 1), 1, false},
		{"between others", Between(0, 1), 2, false},
		{"from the server to the internet", Between(1, Internet), 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			partition, l := NewPartition(), listen(t)
			target := echo(t)
			serve(t, func(ctx context.Context) error { return partition.ServeTCP(ctx, l, target, tc.link) })
			c := dialTalker(t, l.Addr().String())
			c.send(t, "before")
			if !c.receives("before", 10*time.Second) {
				t.Fatal("nothing arrives before the cut")
			}
			within := quiet
			if !tc.dies {
				within = 10 * time.Second
			}
			partition.Cut(tc.cut)
			c.send(t, "meanwhile")
			if got := c.receives("meanwhile", within); got == tc.dies {
				t.Errorf("arrived during the cut: %v", got)
			}
			late := dialTalker(t, l.Addr().String())
			late.send(t, "new")
			if got := late.receives("new", within); got == tc.dies {
				t.Errorf("a new connection works during the cut: %v", got)
			}
			partition.Heal()
			if tc.dies && !(c.receives("meanwhile", 10*time.Second) && late.receives("new", 10*time.Second)) {
				t.Error("what was sent during the cut does not arrive after it")
			}
		})
	}
}

func TestPeersAreCutByWhoTheyAre(t *testing.T) {
	member := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}))
	defer member.Close()
	partition, l := NewPartition(), listen(t)
	servers := map[string]int{"aa": 0, "bb": 1, "cc": 2}
	serve(t, func(ctx context.Context) error {
		return partition.ServePeers(ctx, l, member.Listener.Addr().String(), 2, func(id string) (int, bool) {
			n, ok := servers[id]
			return n, ok
		})
	})
	// arrives reports whether a request from the member with this ID is answered in time.
	arrives := func(id string, within time.Duration) bool {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.Addr().String()+"/raft", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(peerHeader, id)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	for _, tc := range []struct {
		name string
		cut  []int
		from string
		want bool
	}{
		{"nobody is cut off", nil, "aa", true},
		{"the sender is cut off", []int{0}, "aa", false},
		{"another is cut off", []int{0}, "bb", true},
		{"the target is cut off", []int{2}, "aa", false},
		{"a probe, and another is cut off", []int{0}, "", true},
		{"a probe, and the target is cut off", []int{2}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			partition.Cut(tc.cut...)
			defer partition.Heal()
			within := quiet
			if tc.want {
				within = 10 * time.Second
			}
			if got := arrives(tc.from, within); got != tc.want {
				t.Errorf("arrives: %v, want %v", got, tc.want)
			}
		})
	}
}

// TestAStreamOfAPeerIsCutInTheMiddle uses an etcd member that is not known yet when its
// stream starts.
func TestAStreamOfAPeerIsCutInTheMiddle(t *testing.T) {
	var known atomic.Bool
	more := make(chan string)
	member := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for line := range more {
			fmt.Fprintln(w, line)
			http.NewResponseController(w).Flush()
		}
	}))
	defer member.Close()
	defer close(more)
	partition, l := NewPartition(), listen(t)
	serve(t, func(ctx context.Context) error {
		return partition.ServePeers(ctx, l, member.Listener.Addr().String(), 2, func(string) (int, bool) { return 0, known.Load() })
	})
	go func() { more <- "first" }()
	res, err := http.Get("http://" + l.Addr().String() + "/raft/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	if got := <-lines; got != "first" {
		t.Fatalf("got %q", got)
	}
	known.Store(true)
	partition.Cut(0)
	more <- "second"
	select {
	case got := <-lines:
		t.Errorf("%q came through a link that is cut", got)
	case <-time.After(quiet):
	}
	partition.Heal()
	if got := <-lines; got != "second" {
		t.Errorf("got %q after the link was healed", got)
	}
}

func TestAListenerLooksUpTheLinkOfEachConnection(t *testing.T) {
	partition, l := NewPartition(), listen(t)
	gatedListener := partition.Listener(l, func(net.Conn) Link { return Between(1, Internet) })
	defer gatedListener.Close()
	c := dialTalker(t, l.Addr().String())
	conn, err := gatedListener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(conn, conn)
	}()
	partition.Cut(1)
	c.send(t, "hello")
	if c.receives("hello", quiet) {
		t.Error("data came through a link that is cut")
	}
	partition.Heal()
	if !c.receives("hello", 10*time.Second) {
		t.Error("data does not come back after the link was healed")
	}
	conn.Close()
	<-ended
}
