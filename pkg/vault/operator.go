package vault

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
)

// operatorValidity is the validity of the certificates that SignOperator requests.
const operatorValidity = "10m"

// SignOperator makes Vault sign a certificate for key that identifies its holder to etcd
// as the user "root", and returns it in PEM. The certificate is valid for ten minutes.
// The token of c needs permission to use [RoleEnter].
func SignOperator(ctx context.Context, c *api.Client, key *ecdsa.PrivateKey) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("have vault sign a certificate of etcd's user %s: %w", enterUser, err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: enterUser}}, key)
	if err != nil {
		return fail(err)
	}
	request := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	res, err := c.Logical().WriteWithContext(ctx, neco.CAEtcdClient+"/sign/"+RoleEnter, map[string]any{
		"csr": string(request), "common_name": enterUser, "exclude_cn_from_sans": true,
	})
	if err != nil {
		return fail(err)
	}
	cert, err := field(res, "certificate")
	if err != nil {
		return fail(err)
	}
	return []byte(cert + "\n"), nil
}
