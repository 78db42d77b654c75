// Package weburl parses the URLs in flags and in the configuration: proxies, endpoints,
// webhooks. Its errors contain neither a password nor a text that is not a valid URL.
package weburl

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/cybozu-go/neco/internal/ipv4"
)

// errUserinfo is the error for a URL with an "@" that does not end a user name and
// password.
var errUserinfo = errors.New("not a URL; in a user name or password write / as %2F, # as %23, ? as %3F and @ as %40")

// Parse parses the absolute http or https URL of a server. It accepts one "@" only,
// after a user name and password. The error never contains text, which may include a
// password.
func Parse(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	at := strings.Count(text, "@")
	switch {
	case strings.ContainsFunc(text, unicode.IsSpace), strings.ContainsFunc(text, unicode.IsControl):
		return nil, errors.New("not a URL; there is a space or a control character in it")
	case at > 1, at == 1 && (err != nil || u.User == nil), err == nil && strings.Contains(u.User.Username(), ":"):
		return nil, errUserinfo
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("it does not begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("it has no host")
	case !validPort(u.Port()):
		return nil, errors.New("its port is not between 1 and 65535")
	}
	return u, nil
}

// ParseProxy parses the URL of a proxy as [Parse] does. It returns an error for a URL
// with a path, a query or a fragment.
func ParseProxy(text string) (*url.URL, error) {
	u, err := Parse(text)
	switch {
	case err != nil:
		return nil, err
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errors.New("it continues after the host and the port")
	}
	return u, checkHost(u.Hostname())
}

// label matches a label of a host name, the part between two dots.
var label = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?$`)

// checkHost returns an error if name is neither an address nor a name that a host can
// have.
func checkHost(name string) error {
	if a, err := netip.ParseAddr(name); err == nil {
		if a.IsLoopback() || !a.Is4() && !a.IsUnspecified() && !a.IsMulticast() {
			return nil
		}
		if !a.Is4() || ipv4.CheckHost(a) != nil {
			return errors.New("no host has its address")
		}
		return nil
	}
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	for _, l := range labels {
		if !label.MatchString(l) {
			return errors.New("its host is not a name")
		}
	}
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil {
		return errors.New("its host is not an IPv4 address")
	}
	return nil
}

// Redact returns text for display. It replaces a password in a URL by xxxxx, and also a
// user name without a password, which may be a token. For a text that Parse does not
// accept, it returns "(not shown)".
func Redact(text string) string {
	u, err := Parse(text)
	if err != nil {
		return "(not shown)"
	}
	if _, ok := u.User.Password(); u.User != nil && !ok {
		u.User = url.User("xxxxx")
	}
	return u.Redacted()
}

// validPort reports whether text is a port, or empty.
func validPort(text string) bool {
	n, err := strconv.Atoi(text)
	return text == "" || err == nil && n > 0 && n <= 65535
}
