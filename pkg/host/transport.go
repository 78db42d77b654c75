package host

import (
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cybozu-go/neco/internal/weburl"
)

// NewTransport returns a transport that uses the proxy at the absolute URL proxy, or no
// proxy if that is empty. It ignores the environment. The error does not contain proxy,
// which may include a password.
func NewTransport(proxy string) (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if proxy == "" {
		return transport, nil
	}
	u, err := weburl.ParseProxy(proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	transport.Proxy = http.ProxyURL(u)
	return transport, nil
}

// accountRegistry is the only registry for which the configured account is used.
const accountRegistry = "quay.io"

// NewAuth returns the account with user and password at quay.io, or nil if user is
// empty. The result is also an authn.Keychain that returns this account only for
// quay.io.
func NewAuth(user, password string) authn.Authenticator {
	if user == "" {
		return nil
	}
	return account{&authn.Basic{Username: user, Password: password}}
}

type account struct{ *authn.Basic }

var _ authn.Keychain = account{}

// Resolve returns the account for quay.io, and authn.Anonymous for other registries.
func (a account) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != accountRegistry {
		return authn.Anonymous, nil
	}
	return a.Basic, nil
}
