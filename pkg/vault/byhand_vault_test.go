//go:build vault

package vault_test

import (
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

// TestAnOperatorSignsCertificatesByHand sends the requests in docs/migration.md.
func TestAnOperatorSignsCertificatesByHand(t *testing.T) {
	c := newCentre(t)
	token, err := c.root.Auth().Token().CreateWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{vault.PolicyCAAdmin}})
	must(t, err)
	operator := c.Client(t, token.Auth.ClientToken)
	for _, authority := range []string{neco.CAEtcdClient, neco.CAServer, neco.CAEtcdPeer} {
		res, err := operator.Logical().WriteWithContext(t.Context(), authority+"/sign/"+vault.RoleSystem, map[string]any{
			"csr": requestAs(t, "neco-1"), "exclude_cn_from_sans": "true", "ttl": "87600h",
		})
		must(t, err)
		text, _ := res.Data["certificate"].(string)
		cert, err := pki.ParseCert([]byte(text + "\n"))
		must(t, err)
		if left := time.Until(cert.NotAfter); cert.Subject.CommonName != "neco-1" || left < 87000*time.Hour {
			t.Errorf("%s: %s for %s", authority, cert.Subject, left)
		}
		if len(cert.DNSNames) != 1 || cert.DNSNames[0] != "boot-0" || len(cert.IPAddresses) != 1 {
			t.Errorf("%s: names %v %v, want those in the request", authority, cert.DNSNames, cert.IPAddresses)
		}
	}
}
