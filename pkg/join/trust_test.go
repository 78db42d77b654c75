package join

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

func newCA(t *testing.T, a pki.Authority) pki.CA {
	t.Helper()
	ca, err := pki.NewCA(a, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestOnlyTheAuthorityInTheTokenIsTrusted(t *testing.T) {
	ours, other := newCA(t, pki.ServerCA), newCA(t, pki.ServerCA)
	pin, err := pinOf(ours.CertPEM())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, sends string
		want        error
	}{
		{"ours", string(ours.CertPEM()), nil},
		{"a rogue's", string(other.CertPEM()), ErrCAPinMismatch},
		{"ours beside a rogue's", string(ours.CertPEM()) + string(other.CertPEM()), ErrCAPinMismatch},
		{"a rogue's beside ours", string(other.CertPEM()) + string(ours.CertPEM()), ErrCAPinMismatch},
		{"something else", "hello", ErrCAPinMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Method+" "+r.URL.Path+r.Header.Get("X-Vault-Token"))
				_, _ = w.Write([]byte(tt.sends))
			}))
			defer s.Close()
			got, err := pinned(t.Context(), s.URL, pin)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err == nil && strings.TrimSpace(string(got)) != strings.TrimSpace(tt.sends) {
				t.Errorf("got %s", got)
			}
			if len(asked) != 1 || asked[0] != "GET /v1/ca/server/ca/pem" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

func TestAnAuthorityIsTakenUnderItsOwnNameAlone(t *testing.T) {
	ca := newCA(t, pki.PeerCA).CertPEM()
	if _, err := checkAuthority(pki.PeerCA, ca); err != nil {
		t.Error(err)
	}
	if _, err := checkAuthority(pki.ClientCA, ca); err == nil {
		t.Error("it is taken for another one")
	}
}
