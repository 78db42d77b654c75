package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/internal/vaultclient"
)

// OpenPEM does the same as [Open], with the certificates of the CAs in PEM instead of a
// file.
func OpenPEM(addr string, authorities []byte, token string) (*api.Client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		return nil, errors.New("vault client: the list of CAs has no certificate")
	}
	return vaultclient.New(addr, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, token)
}

// FetchCA returns the certificate of the CA at mount, in PEM, as sent by the server at
// addr, which it does not authenticate. The caller must compare the certificate with a
// fingerprint that it trusts. FetchCA sends no secret, and blocks for at most a minute.
func FetchCA(ctx context.Context, addr, mount string) ([]byte, error) {
	client, err := vaultclient.New(addr, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, "") //nolint:gosec // see above
	if err != nil {
		return nil, err
	}
	client.SetMaxRetries(0)
	data, err := CA(ctx, client, mount)
	if err == nil && len(data) == 0 {
		return nil, fmt.Errorf("read the certificate of %s: there is none", mount)
	}
	return data, err
}
