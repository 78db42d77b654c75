// Package ipv4 checks whether hosts and networks may have a given address.
package ipv4

import (
	"fmt"
	"net/netip"
)

// block is a network whose addresses no host can have.
type block struct {
	netip.Prefix
	what string
}

// reserved returns the special-purpose networks of RFC 6890 whose addresses other hosts
// cannot reach.
func reserved() []block {
	return []block{
		{netip.MustParsePrefix("0.0.0.0/8"), "this network"},
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
		{netip.MustParsePrefix("224.0.0.0/3"), "multicast and reserved"},
	}
}

func (b block) err() error {
	return fmt.Errorf("no host can have an address in %s (%s)", b.Prefix, b.what)
}

// CheckNetwork returns an error if p contains addresses that no host can have.
func CheckNetwork(p netip.Prefix) error {
	for _, b := range reserved() {
		if p.Overlaps(b.Prefix) {
			return b.err()
		}
	}
	return nil
}

// CheckHost returns an error if a is an address that no host can have.
func CheckHost(a netip.Addr) error {
	for _, b := range reserved() {
		if b.Contains(a) {
			return b.err()
		}
	}
	return nil
}
