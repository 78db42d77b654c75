// Package ipv4 knows which addresses hosts and networks may have.
package ipv4

import (
	"fmt"
	"net/netip"
)

// reserved are blocks without addresses of hosts: this network, this host, groups
// and what is kept for later (RFC 6890).
func reserved() [3]netip.Prefix {
	return [...]netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/3"),
	}
}

// CheckNetwork returns an error if p has addresses that no host can have.
func CheckNetwork(p netip.Prefix) error {
	for _, r := range reserved() {
		if p.Overlaps(r) {
			return fmt.Errorf("%s is within or around %s, whose addresses no host can have", p, r)
		}
	}
	return nil
}

// CheckHost returns an error if a is an address that no host can have.
func CheckHost(a netip.Addr) error {
	for _, r := range reserved() {
		if r.Contains(a) {
			return fmt.Errorf("%s is in %s, whose addresses no host can have", a, r)
		}
	}
	return nil
}
