package cluster_test

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func ExampleCluster_Validate() {
	address := netip.MustParsePrefix("10.0.0.1/24")
	c := cluster.Cluster{Name: "dev", Nodes: []cluster.Node{{
		Name: "core", Kind: cluster.Core,
		Interfaces: []cluster.Interface{{Name: "eth0", Type: cluster.LinkEnd, Addresses: []netip.Prefix{address}}},
	}}}
	fmt.Println(c.Validate())
	// Output: core eth0: no link ends here
}
