package neco

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"
)

// loginServer returns the address of a Vault with one user, and its CA file.
func loginServer(t *testing.T) (addr, caFile string) {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Password string }
		json.NewDecoder(r.Body).Decode(&body)
		if r.URL.Path != "/v1/auth/userpass/login/alice" || body.Password != "wonder" {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"errors":["invalid username or password"]}`)
			return
		}
		io.WriteString(w, `{"auth":{"client_token":"s.alice"}}`)
	}))
	t.Cleanup(srv.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	return srv.URL, tempFile(t, string(ca))
}

func answer(user, password string, err error) askFunc {
	return func() (string, string, error) { return user, password, err }
}

func TestVaultClient(t *testing.T) {
	addr, caFile := loginServer(t)
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("VAULT_ADDR", "https://127.0.0.1:1") // must be ignored

	t.Run("logs in with what the user answers", func(t *testing.T) {
		client, err := vaultClient(addr, caFile, answer("alice", "wonder", nil))
		if err != nil {
			t.Fatal(err)
		}
		if client.Token() != "s.alice" {
			t.Errorf("token = %q", client.Token())
		}
	})
	t.Run("asks nothing where a token is given", func(t *testing.T) {
		t.Setenv("VAULT_TOKEN", "s.given")
		client, err := vaultClient(addr, caFile, answer("", "", errors.New("asked")))
		if err != nil {
			t.Fatal(err)
		}
		if client.Token() != "s.given" {
			t.Errorf("token = %q", client.Token())
		}
	})
	t.Run("names the user who is refused, and no password", func(t *testing.T) {
		_, err := vaultClient(addr, caFile, answer("alice", "looking-glass", nil))
		if err == nil || !strings.Contains(err.Error(), `"alice"`) || strings.Contains(err.Error(), "looking-glass") {
			t.Errorf("vaultClient: %v", err)
		}
	})
	t.Run("trusts no other authority", func(t *testing.T) {
		t.Setenv("VAULT_SKIP_VERIFY", "true")
		other := httptest.NewUnstartedServer(http.NotFoundHandler())
		other.Config.ErrorLog = log.New(io.Discard, "", 0)
		other.StartTLS()
		defer other.Close()
		_, err := vaultClient(other.URL, "testdata/other-ca.crt", answer("alice", "wonder", nil))
		if err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("vaultClient: %v", err)
		}
	})
	t.Run("needs the authority's file", func(t *testing.T) {
		if _, err := vaultClient(addr, caFile+".absent", answer("alice", "wonder", nil)); err == nil {
			t.Error("a missing file is no error")
		}
	})
}

// transportFunc is an http.RoundTripper with which a test responds to requests without
// a network.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// restartingVault returns a client of a Vault that has a leader after the time
// readyAfter.
func restartingVault(t *testing.T, readyAfter time.Duration) *api.Client {
	t.Helper()
	ready := time.Now().Add(readyAfter)
	client, err := api.NewClient(&api.Config{
		Address: "https://vault.invalid",
		HttpClient: &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/v1/sys/auth" || r.Header.Get("X-Vault-No-Request-Forwarding") != "true" {
				return nil, errors.New("not the question that must be asked")
			}
			resp := &http.Response{StatusCode: 500, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"errors":["local node not active but active cluster node not found"]}`)), Request: r}
			if !time.Now().Before(ready) {
				resp.StatusCode = 200
				resp.Body = io.NopCloser(strings.NewReader(`{"data":{"token/":{"type":"token"}}}`))
			}
			return resp, nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestWaitVaultLeader(t *testing.T) {
	t.Run("waits until the leader answers", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			if err := WaitVaultLeader(t.Context(), restartingVault(t, time.Minute)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took < time.Minute || took > 70*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("does not wait for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			err := WaitVaultLeader(t.Context(), restartingVault(t, time.Hour))
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 6*time.Minute {
				t.Errorf("WaitVaultLeader: %v after %v", err, time.Since(start))
			}
		})
	})
}
