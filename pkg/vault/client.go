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

// Address returns the address of the Vault on the boot server lrn.
func Address(lrn int) string { return fmt.Sprintf("https://%s:8200", neco.BootNode0IP(lrn)) }

// Open returns a client of the Vault at addr that trusts only the CAs in caFile. If
// token is empty, the client is not logged in. Open reads no environment variable and
// sends no request.
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

// status returns the HTTP status if err is an error response of Vault, and 0 otherwise.
func status(err error) int {
	if res := (*api.ResponseError)(nil); errors.As(err, &res) {
		return res.StatusCode
	}
	return 0
}

// Denied reports whether err means that Vault refused a request because the token is
// invalid or lacks a permission.
func Denied(err error) bool { return status(err) == http.StatusForbidden }
