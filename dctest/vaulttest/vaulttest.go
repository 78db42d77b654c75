// Package vaulttest starts a real Vault on loopback for a test, with its storage in etcd
// like that of a boot server. It is for tests only; `make test-vault` builds Vault before
// it runs them.
package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/built"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/vault"
)

// Server is a running Vault. It is killed at the end of the test.
type Server struct {
	// Addr is the URL of the Vault for clients.
	Addr string

	exited chan struct{}
	log    log
}

// startTimeout is how long a test waits for a Vault to respond before it fails. On an
// idle machine, a Vault responds within a second.
const startTimeout = time.Minute

// pause is the time between two requests to a Vault that does not respond yet.
const pause = 20 * time.Millisecond

// Start starts a Vault that stores its data in the etcd at endpoints, in keys below
// prefix. The Vault is sealed and, if there are no such keys, not initialised. Vaults
// with the same prefix form one high-availability cluster.
func Start(t testing.TB, endpoints []string, prefix string) *Server {
	t.Helper()
	binary, err := built.Program("vault")
	if err != nil {
		t.Fatal(err)
	}
	s, err := start(t, binary, endpoints, prefix)
	for range 4 {
		if errors.Is(err, errTaken) {
			s, err = start(t, binary, endpoints, prefix)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var errTaken = errors.New("another program has taken the port")

func start(t testing.TB, binary string, endpoints []string, prefix string) (*Server, error) {
	ports, err := loopback.FreeAddresses(2)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.TempDir(), "config.hcl")
	if err := os.WriteFile(file, []byte(config(endpoints, prefix, ports)), 0o600); err != nil {
		return nil, err
	}
	s := &Server{Addr: "http://" + ports[0], exited: make(chan struct{})}
	cmd := exec.Command(binary, "server", "-config", file)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(file)}
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if the test is killed
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start vault: %w", err)
	}
	go func() {
		defer close(s.exited)
		_ = cmd.Wait() // an error: it is killed
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have exited
		<-s.exited
		if t.Failed() {
			t.Logf("the end of vault's log:\n%s", s.log.tail())
		}
	})
	return s, s.await(t)
}

// await blocks until the Vault responds. It returns errTaken if the Vault has exited
// because one of its ports was taken.
func (s *Server) await(t testing.TB) error {
	ctx, cancel := context.WithTimeoutCause(t.Context(), startTimeout, fmt.Errorf("vault does not respond after %s", startTimeout))
	defer cancel()
	for {
		_, err := s.Client(t, "").Sys().SealStatusWithContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			if text := s.log.tail(); !strings.Contains(text, "address already in use") {
				return fmt.Errorf("vault exited:\n%s", text)
			}
			return errTaken
		default:
		}
		if neco.SleepContext(ctx, pause) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// Client returns a client of the Vault with the given token. The client does not retry
// requests.
func (s *Server) Client(t testing.TB, token string) *api.Client {
	t.Helper()
	return s.client(t, token, http.DefaultTransport)
}

func (s *Server) client(t testing.TB, token string, transport http.RoundTripper) *api.Client {
	t.Helper()
	c, err := api.NewClient(&api.Config{Address: s.Addr, Timeout: startTimeout, HttpClient: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the library follows redirects itself
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.ClearNamespace()
	c.SetMaxRetries(0)
	c.SetToken(token)
	return c
}

// Open initialises and unseals the Vault, and blocks until it is in service.
func (s *Server) Open(t testing.TB) (unsealKey, rootToken string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), startTimeout, fmt.Errorf("vault does not serve after %s", startTimeout))
	defer cancel()
	c := s.Client(t, "")
	unsealKey, rootToken, err := vault.Initialize(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Unseal(ctx, c, unsealKey); err != nil {
		t.Fatal(err)
	}
	if err := retry.Until(ctx, func() error { return vault.Serves(ctx, c) }); err != nil {
		t.Fatal(err)
	}
	return unsealKey, rootToken
}

// Log returns everything that the Vault has written so far: its log, and its audit log if
// the audit device writes to standard output.
func (s *Server) Log() string { return s.log.String() }

func config(endpoints []string, prefix string, ports []string) string {
	var urls []string
	for _, e := range endpoints {
		urls = append(urls, "http://"+e)
	}
	return fmt.Sprintf(`
disable_mlock = true
disable_cache = true
api_addr      = "http://%[1]s"
cluster_addr  = "https://%[2]s"
listener "tcp" {
  address         = %[1]q
  cluster_address = %[2]q
  tls_disable     = true
}
storage "etcd" {
  address    = %[3]q
  etcd_api   = "v3"
  ha_enabled = "true"
  path       = %[4]q
  sync       = "false"
}
`, ports[0], ports[1], strings.Join(urls, ","), prefix)
}

// log collects the output of a Vault.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends output of the Vault.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns everything that Vault has written so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail returns the last 4096 bytes of the output.
func (l *log) tail() string {
	const most = 4096
	text := l.String()
	return text[max(0, len(text)-most):]
}
