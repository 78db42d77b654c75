//go:build vault

package vault_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

func TestWhoEntersIsEtcdsRootForMinutes(t *testing.T) {
	c := newCentre(t)
	key, err := pki.NewKey()
	must(t, err)
	if _, err := vault.SignOperator(t.Context(), c.logIn(t, 1), key); !vault.Denied(err) {
		t.Errorf("a server that does not join: %v", err)
	}
	must(t, vault.AllowEnter(t.Context(), c.root, 1))
	signed, err := vault.SignOperator(t.Context(), c.logIn(t, 1), key)
	must(t, err)
	checkEntry(t, signed)
	must(t, vault.PutBootRole(t.Context(), c.root, 1))
	if _, err := vault.SignOperator(t.Context(), c.logIn(t, 1), key); !vault.Denied(err) {
		t.Errorf("a server from which that is taken away: %v", err)
	}
}

// checkEntry fails the test unless signed is a client certificate of etcd's user root
// that is valid for ten minutes and has no other names.
func checkEntry(t *testing.T, signed []byte) {
	t.Helper()
	cert, err := pki.ParseCert(signed)
	must(t, err)
	if left := time.Until(cert.NotAfter); left > 10*time.Minute || left < 8*time.Minute || cert.Subject.String() != "CN=root" {
		t.Errorf("%s for %s", cert.Subject, left)
	}
	if len(cert.DNSNames)+len(cert.IPAddresses)+len(cert.EmailAddresses)+len(cert.URIs) > 0 {
		t.Errorf("names %v %v %v %v", cert.DNSNames, cert.IPAddresses, cert.EmailAddresses, cert.URIs)
	}
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || cert.IsCA {
		t.Errorf("uses %v, authority %t", cert.ExtKeyUsage, cert.IsCA)
	}
}

// requestAs returns a certificate request for the etcd user called user. The request
// also asks for host names.
func requestAs(t *testing.T, user string) string {
	t.Helper()
	key, err := pki.NewKey()
	must(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: user, Organization: []string{"cybozu"}}, DNSNames: []string{"boot-0"}, IPAddresses: []net.IP{{10, 69, 0, 3}},
	}, key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// TestWhoMayEnterIsNobodyElse sends requests of a joining server with every role. Vault
// must refuse each of them, or sign a certificate of etcd's user root for ten minutes.
func TestWhoMayEnterIsNobodyElse(t *testing.T) {
	c := newCentre(t)
	must(t, vault.AllowEnter(t.Context(), c.root, 1))
	joiner := c.logIn(t, 1)
	tests := []struct {
		name   string
		data   map[string]any
		signed bool // by RoleEnter
	}{
		{"its own way", map[string]any{"common_name": "root", "exclude_cn_from_sans": true}, true},
		{"without a name", map[string]any{"exclude_cn_from_sans": true}, false},
		{"root as the name of a host", map[string]any{"common_name": "root"}, false},
		{"nothing but the request", map[string]any{}, false},
		{"another's name", map[string]any{"common_name": "neco-0", "exclude_cn_from_sans": true}, false},
		{"ten minutes", map[string]any{"common_name": "root", "exclude_cn_from_sans": true, "ttl": "10m"}, false},
		{"a day", map[string]any{"common_name": "root", "exclude_cn_from_sans": true, "ttl": "24h"}, false},
		{"until some day", map[string]any{"common_name": "root", "exclude_cn_from_sans": true, "not_after": "2099-01-01T00:00:00Z"}, false},
		{"a name more", map[string]any{"common_name": "root", "exclude_cn_from_sans": true, "alt_names": "neco-0"}, false},
	}
	for _, role := range []string{vault.RoleEnter, vault.RoleHuman, vault.RoleSystem} {
		for _, tt := range tests {
			t.Run(role+", "+tt.name, func(t *testing.T) {
				tt.data["csr"] = requestAs(t, "neco-0")
				res, err := joiner.Logical().WriteWithContext(t.Context(), neco.CAEtcdClient+"/sign/"+role, tt.data)
				if signed := err == nil; signed != (tt.signed && role == vault.RoleEnter) || !signed && !vault.Denied(err) {
					t.Errorf("signed: %t, %v", signed, err)
				}
				checkSigned(t, res)
			})
		}
	}
}

func checkSigned(t *testing.T, res *api.Secret) {
	t.Helper()
	if res == nil {
		return
	}
	signed, _ := res.Data["certificate"].(string)
	checkEntry(t, []byte(signed+"\n"))
}

// TestTheRoleToEnterByHasItsOwnLimits sends requests with a token that no policy
// limits.
func TestTheRoleToEnterByHasItsOwnLimits(t *testing.T) {
	c := newCentre(t)
	tests := []struct {
		name   string
		data   map[string]any
		signed bool
	}{
		{"no life", map[string]any{"common_name": "root"}, true},
		{"a day", map[string]any{"common_name": "root", "ttl": "24h"}, true},
		{"another's name", map[string]any{"common_name": "neco-0"}, false},
		{"no name", map[string]any{}, false},
		{"a name more", map[string]any{"common_name": "root", "alt_names": "neco-0"}, false},
		{"an address", map[string]any{"common_name": "root", "ip_sans": "10.69.0.3"}, false},
		{"localhost", map[string]any{"common_name": "localhost"}, false},
		{"below root", map[string]any{"common_name": "me.root"}, false},
		{"mail", map[string]any{"common_name": "me@root"}, false},
		{"any", map[string]any{"common_name": "*"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.data["csr"], tt.data["exclude_cn_from_sans"] = requestAs(t, "neco-0"), true
			res, err := c.root.Logical().WriteWithContext(t.Context(), neco.CAEtcdClient+"/sign/"+vault.RoleEnter, tt.data)
			if (err == nil) != tt.signed {
				t.Errorf("signed: %t, %v", err == nil, err)
			}
			checkSigned(t, res)
		})
	}
}
