package vaultclient

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/hashicorp/vault/api"
)

// hostile is an environment in which every variable of Vault is set.
var hostile = map[string]string{
	"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_AGENT_ADDR": "https://127.0.0.1:1", "VAULT_CACERT": "/nonexistent",
	"VAULT_CACERT_BYTES": "x", "VAULT_CAPATH": "/nonexistent", "VAULT_CLIENT_CERT": "/nonexistent", "VAULT_CLIENT_KEY": "/nonexistent",
	"VAULT_RATE_LIMIT": "x", "VAULT_CLIENT_TIMEOUT": "x", "VAULT_SRV_LOOKUP": "true", "VAULT_SKIP_VERIFY": "true",
	"VAULT_NAMESPACE": "elsewhere", "VAULT_TLS_SERVER_NAME": "elsewhere", "VAULT_WRAP_TTL": "1h", "VAULT_MAX_RETRIES": "x",
	"VAULT_TOKEN": "s.environment", "VAULT_HTTP_PROXY": "http://127.0.0.1:1", "VAULT_PROXY_ADDR": "http://127.0.0.1:1",
	"VAULT_HEADERS": `{"X-Stray": "x"}`, "VAULT_DISABLE_REDIRECTS": "x",
	"HTTPS_PROXY": "http://127.0.0.1:1",
}

func TestAClientHeedsNoVariable(t *testing.T) {
	var got http.Header
	srv := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer srv.Close()
	for name, value := range hostile {
		t.Setenv(name, value)
	}
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	first, err := New(srv.URL, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, "s.given")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := Copy(first, "", "s.copied")
	if err != nil {
		t.Fatal(err)
	}
	for want, client := range map[string]*api.Client{"s.given": first, "s.copied": copied} {
		if _, err := client.Logical().WriteWithContext(t.Context(), "x", nil); err != nil {
			t.Fatal(err)
		}
		if got.Get("X-Vault-Token") != want {
			t.Errorf("token %q, want %q", got.Get("X-Vault-Token"), want)
		}
		for _, header := range []string{"X-Vault-Wrap-TTL", "X-Vault-Namespace", "X-Stray"} {
			if got.Get(header) != "" {
				t.Errorf("%s: %s is sent", header, got.Get(header))
			}
		}
	}
	for name, value := range hostile {
		if os.Getenv(name) != value {
			t.Errorf("%s is %q after that", name, os.Getenv(name))
		}
	}
}

func TestACopyTrustsWhomTheFirstTrusts(t *testing.T) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	srv.Config.ErrorLog = nil
	defer srv.Close()
	c, err := New("https://127.0.0.1:1", &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("VAULT_SKIP_VERIFY", "true")
	other, err := Copy(c, srv.URL, "s.secret")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Logical().ReadWithContext(t.Context(), "x"); err == nil {
		t.Error("it trusts another CA")
	}
}
