package host

import (
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cybozu-go/neco/internal/weburl"
)

// NewTransport returns a transport that reaches the outside through proxy, an
// absolute URL; if that is empty, directly. The environment does not matter.
// The error does not repeat proxy, which may hold a password.
func NewTransport(proxy string) (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if proxy == "" {
		return transport, nil
	}
	u, err := weburl.Parse(proxy)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	transport.Proxy = http.ProxyURL(u)
	return transport, nil
}

// NewAuth returns what shows user and password to a registry; nil if there is
// no user.
func NewAuth(user, password string) authn.Authenticator {
	if user == "" {
		return nil
	}
	return &authn.Basic{Username: user, Password: password}
}
