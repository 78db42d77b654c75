// Package vaultclient makes every client of Vault. It owns the rule that a client uses
// nothing from the environment of the process. The caller provides the token of a
// client, and may read the token from VAULT_TOKEN.
package vaultclient

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

// requestTimeout is how long one request may take before it fails. Vault may have to
// elect a leader during the request.
const requestTimeout = 60 * time.Second

// New returns a client of the Vault at addr with the TLS configuration conf. If token
// is empty, the client is not logged in. New sends no request.
func New(addr string, conf *tls.Config, token string) (*api.Client, error) {
	return build(&api.Config{
		Address: addr,
		Timeout: requestTimeout,
		HttpClient: &http.Client{
			Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true, IdleConnTimeout: requestTimeout},
			// The library itself follows redirects.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, token)
}

// Copy returns a client with the connections and limits of c, but with another token.
// Its address is addr or, if addr is empty, the address of c.
func Copy(c *api.Client, addr, token string) (*api.Client, error) {
	var config *api.Config
	withoutEnvironment(func() { config = c.CloneConfig() })
	if addr != "" {
		config.Address = addr
	}
	return build(config, token)
}

func build(config *api.Config, token string) (client *api.Client, err error) {
	withoutEnvironment(func() { client, err = api.NewClient(config) })
	if err != nil {
		return nil, fmt.Errorf("vault client: %w", err)
	}
	client.ClearNamespace()
	client.SetToken(token)
	// The library's own function reads VAULT_WRAP_TTL at each request.
	client.SetWrappingLookupFunc(func(string, string) string { return "" })
	return client, nil
}

// tokenVariable is the variable that withoutEnvironment does not unset, because other
// goroutines may read it. New replaces the token that the library of Vault reads from
// it.
const tokenVariable = "VAULT_TOKEN"

var environment sync.Mutex

// withoutEnvironment calls f while the VAULT_ variables, except tokenVariable, are
// unset. Vault's library reads the variables even if every setting is given: an invalid
// one makes NewClient fail, and VAULT_HEADERS are sent.
func withoutEnvironment(f func()) {
	environment.Lock()
	defer environment.Unlock()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "VAULT_") || name == tokenVariable {
			continue
		}
		_ = os.Unsetenv(name)
		defer func() { _ = os.Setenv(name, value) }()
	}
	f()
}
