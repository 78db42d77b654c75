package release

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

const (
	testOwner = "cybozu-go"
	testRepo  = "neco"
)

// pipes is a listener whose connections stay in this process, so that testing/synctest
// can detect waits on them.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve returns an HTTP client whose requests all go to handler, whatever their host and
// scheme is.
func serve(t testing.TB, handler http.Handler) *http.Client {
	t.Helper()
	p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	srv := &http.Server{Handler: handler}
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(p) })
	transport := &http.Transport{DialContext: p.dial, DialTLSContext: p.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
		wg.Wait()
	})
	return &http.Client{Transport: transport}
}

// finder returns a Finder whose requests go to handler, and the log of the Finder.
func finder(t testing.TB, handler http.Handler) (*Finder, *strings.Builder) {
	t.Helper()
	log := &strings.Builder{}
	client := neco.NewGitHubClient(&http.Client{Transport: NewTransport(serve(t, handler).Transport)})
	return NewFinder(client, testOwner, testRepo, slog.New(slog.NewTextHandler(log, nil))), log
}

// publish returns a server with the releases. An asset is given by its content.
func publish(t testing.TB, releases ...releaseserver.Release) *releaseserver.Server {
	t.Helper()
	s := releaseserver.New(releaseserver.Options{Limit: -1})
	for _, r := range releases {
		files := map[string]string{}
		for name, content := range r.Assets {
			files[name] = writeFile(t, content)
		}
		r.Assets = files
		if err := s.Publish(r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// respond returns a handler that sends the same response to all requests.
func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}
