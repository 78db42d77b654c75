package ipv4

import (
	"net/netip"
	"testing"
)

func TestNoHostHasAnAddressOfAReservedBlock(t *testing.T) {
	for text, want := range map[string]bool{
		"10.72.32.0/20": true, "192.168.0.0/16": true, "223.255.255.0/24": true, "1.0.0.0/8": true,
		"127.0.0.0/8": false, "127.0.0.0/24": false, "169.254.0.0/16": false, "224.0.0.0/4": false, "239.1.0.0/16": false, "240.0.0.0/4": false,
		"0.0.0.0/0": false, "0.0.0.0/8": false, "0.0.0.0/32": false, "126.0.0.0/7": false, "255.255.255.255/32": false,
	} {
		p := netip.MustParsePrefix(text)
		if err := CheckNetwork(p); (err == nil) != want {
			t.Errorf("network %s: %v", p, err)
		}
		if err := CheckHost(p.Addr()); want && err != nil || p.IsSingleIP() && !want && err == nil {
			t.Errorf("host %s: %v", p.Addr(), err)
		}
	}
}
