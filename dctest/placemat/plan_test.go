package placemat

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func TestAddressLines(t *testing.T) {
	n := cluster.Node{
		Name: "boot-0",
		Interfaces: []cluster.Interface{
			{Name: "node0", Type: cluster.Dummy, Addresses: []netip.Prefix{netip.MustParsePrefix("10.69.0.3/32")}},
			{Name: "eth0", Type: cluster.LinkEnd, Scope: "link", Addresses: []netip.Prefix{netip.MustParsePrefix("10.69.0.67/26")}},
			{Name: "port0", Type: cluster.Port, Master: "br0"},
		},
		Routes: []cluster.Route{{
			To: netip.MustParsePrefix("0.0.0.0/0"), Source: netip.MustParseAddr("10.72.48.0"), Metric: 100,
			Via: []netip.Addr{netip.MustParseAddr("10.69.0.65"), netip.MustParseAddr("10.69.0.129")},
		}},
	}
	want := []string{
		"link set lo up",
		"address add 10.69.0.3/32 dev node0",
		"link set node0 up",
		"address add 10.69.0.67/26 dev eth0 scope link",
		"link set eth0 up",
		"link set port0 master br0",
		"link set port0 up",
		"route replace 0.0.0.0/0 src 10.72.48.0 metric 100 nexthop via 10.69.0.65 nexthop via 10.69.0.129",
	}
	if diff := cmp.Diff(want, addressLines(n)); diff != "" {
		t.Error(diff)
	}
}

func TestParseProtocols(t *testing.T) {
	out := `BIRD 2.0.12 ready.
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     09:41:20.034
spine1     BGP        ---        up     09:41:22.034  Established
rack0_tor1 BGP        ---        start  09:41:20.034  Active        Socket: Connection refused
`
	ps := parseProtocols(out)
	tests := map[string]string{"spine1": "Established", "rack0-tor1": "Active", "core": "missing", "device1": "missing"}
	for peer, want := range tests {
		if got := sessionStatus("x", peer, ps).State; got != want {
			t.Errorf("%s: %s, want %s", peer, got, want)
		}
	}
}

func TestNamesOfDataCentresAreChecked(t *testing.T) {
	for name, ok := range map[string]bool{"dc": true, "dc2": true, "": false, "a-b": false, "2dc": false, "../x": false, "abcdefghijklmnopq": false} {
		if _, err := New(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
