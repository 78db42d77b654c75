package storage

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/internal/ipv4"
	"github.com/cybozu-go/neco/internal/weburl"
)

// httpURL accepts a URL with http or https.
func httpURL(s string) (string, error) {
	s = strings.TrimSpace(s)
	_, err := weburl.Parse(s)
	return s, err
}

func proxyURL(s string) (string, error) {
	s = strings.TrimSpace(s)
	_, err := weburl.ParseProxy(s)
	return s, err
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
	return s, ipv4.CheckNetwork(p)
}
