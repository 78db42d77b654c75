package vault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/vaultclient"
)

// Local is the address of the Vault on this boot server.
const Local = "https://127.0.0.1:8200"

// Address is that of the Vault on the boot server lrn.
func Address(lrn int) string { return fmt.Sprintf("https://%s:8200", neco.BootNode0IP(lrn)) }

// Open returns a client of the Vault at addr, which is trusted by the
// authorities in caFile alone.  An empty token is none.  The environment does not
// matter.  No connection is made yet.
func Open(addr, caFile, token string) (*api.Client, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("vault client: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("vault client: %s: no certificate in it", caFile)
	}
	return vaultclient.New(addr, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, token)
}

// status is the HTTP status of an answer of Vault, 0 for any other error.
func status(err error) int {
	if res := (*api.ResponseError)(nil); errors.As(err, &res) {
		return res.StatusCode
	}
	return 0
}

// Denied says that Vault refused a request for lack of rights.
func Denied(err error) bool { return status(err) == http.StatusForbidden }
