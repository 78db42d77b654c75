package storage

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// httpURL accepts what an HTTP client can use as a proxy or call as a webhook.
func httpURL(s string) (string, error) {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("it does not begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("it names no host")
	}
	return s, nil
}

// HasPassword reports whether a value is a URL with a password in it.
func HasPassword(value string) bool {
	u, err := url.Parse(strings.TrimSpace(value))
	if err != nil {
		return strings.Contains(value, "@")
	}
	_, set := u.User.Password()
	return set
}

// Redact takes the password out of a value that is a URL; one that has an @
// and cannot be read is not shown at all.
func Redact(value string) string {
	u, err := url.Parse(strings.TrimSpace(value))
	switch {
	case err != nil && strings.Contains(value, "@"):
		return "(not shown)"
	case err == nil && u.User != nil:
		return u.Redacted()
	}
	return value
}

func ipv4CIDR(s string) (string, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		if _, err := netip.ParseAddr(s); err == nil {
			return "", errors.New("the length of the prefix is missing")
		}
		return "", errors.New("not an address with the length of a prefix")
	}
	switch {
	case !p.Addr().Is4():
		return "", errors.New("not IPv4")
	case p != p.Masked():
		return "", fmt.Errorf("host bits are set; did you mean %s?", p.Masked())
	}
	return s, nil
}
