package menu

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// networks returns the address plan of the data centre. The plan is documentation for
// people; no program uses it.
func (m *Menu) networks() []cluster.Network {
	n := m.Network
	plan := []cluster.Network{
		{Name: "internet", CIDR: n.Internet, Use: "between the core and the simulated internet"},
		{Name: "core-external", CIDR: n.CoreExternal, Use: "clients outside the data centre"},
		{Name: "core-operation", CIDR: n.CoreOperation, Use: "operators"},
		{Name: "core-spine", CIDR: m.coreSpines(), Use: "links between the core and the spines"},
		{Name: "proxy", CIDR: host(n.Proxy), Use: "HTTP proxy on the core"},
		{Name: "ntp", CIDR: n.NTP, Use: "time servers on the core"},
		{Name: "pod", CIDR: n.Pod, Use: "pods"},
		{Name: "bastion", CIDR: n.Exposed.Bastion, Use: "boot servers, as seen from outside of the racks"},
		{Name: "loadbalancer", CIDR: n.Exposed.LoadBalancer, Use: "services of type LoadBalancer"},
		{Name: "ingress", CIDR: n.Exposed.Ingress, Use: "ingress"},
		{Name: "global", CIDR: n.Exposed.Global, Use: "addresses that the simulated internet reaches"},
		{Name: "node", CIDR: m.IPAM.NodePool, Use: "servers"},
		{Name: "bmc", CIDR: m.IPAM.BMCPool, Use: "management controllers of servers"},
	}
	for r := range m.Inventory.Racks {
		for i, use := range []string{"the servers themselves, announced one by one", "links to ToR 1", "links to ToR 2"} {
			plan = append(plan, cluster.Network{Name: fmt.Sprintf("rack%d-node%d", r, i), CIDR: m.IPAM.nodeNetwork(r, i), Use: use})
		}
	}
	return plan
}

// exposed returns the networks that are announced to the core but not to ToR switches, in
// order.
func (m *Menu) exposed() []netip.Prefix {
	e := m.Network.Exposed
	return []netip.Prefix{e.Bastion, e.LoadBalancer, e.Ingress, e.Global, m.Network.Pod}
}
