package menu

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// The ports on which the core's services listen.
const (
	proxyPort = 3128
	ntpPort   = 123
)

// The interfaces with the addresses of the core's services.
const (
	proxyInterface = "proxy"
	ntpInterface   = "ntp"
)

func (m *Menu) ntpServers() []netip.Addr {
	return []netip.Addr{nth(m.Network.NTP, 1).Addr(), nth(m.Network.NTP, 2).Addr()}
}

// core adds the core, the spines, and the networks internet, external and operation.
func (b *builder) core() {
	n := b.m.Network
	internet := b.add(cluster.Node{Name: "internet", Kind: cluster.Internet, Sysctls: hostSysctls()})
	coreID, _ := b.m.coreSpine(0)
	core := b.router(cluster.Node{Name: "core", Kind: cluster.Core, Sysctls: routerSysctls()}, 0, coreID.Addr())
	external := b.add(cluster.Node{Name: "external", Kind: cluster.External, ASN: b.m.asn(cluster.External, 0), Sysctls: hostSysctls()})
	operation := b.add(cluster.Node{Name: "operation", Kind: cluster.Operation, Sysctls: hostSysctls()})

	b.link(end(internet, nth(n.Internet, 1), ""), end(core, nth(n.Internet, 2), ""))
	for s := range b.m.Inventory.Spines {
		a, z := b.m.coreSpine(s)
		spine := b.router(cluster.Node{Name: spineName(s), Kind: cluster.Spine, Sysctls: routerSysctls()}, 0, z.Addr())
		b.link(end(core, a, ""), end(spine, z, ""))
		session(core, a.Addr(), spine, z.Addr())
	}
	b.link(end(core, nth(n.CoreExternal, 1), ""), end(external, nth(n.CoreExternal, 2), ""))
	b.link(end(core, nth(n.CoreOperation, 1), ""), end(operation, nth(n.CoreOperation, 2), ""))

	servers := b.m.ntpServers()
	core.Interfaces = append(core.Interfaces,
		dummy(proxyInterface, host(n.Proxy)),
		dummy(ntpInterface, host(servers[0]), host(servers[1]), host(nth(n.NTP, 3).Addr())))
	core.Services = []cluster.Service{
		{Name: "proxy", Addresses: []netip.Addr{n.Proxy}, Port: proxyPort, Config: squidFile},
		{Name: "ntp", Addresses: servers, Port: ntpPort, Config: chronyFile},
	}
	core.Scripts = []string{iptablesFile}
	external.Scripts = []string{gatewayFile("external")}
	operation.Scripts = []string{gatewayFile("operation")}
	// Only addresses in the network global are routed; packets from all others are
	// masqueraded by the core.
	internet.Routes = []cluster.Route{{To: n.Exposed.Global, Via: []netip.Addr{nth(n.Internet, 2).Addr()}}}
}

func spineName(s int) string { return fmt.Sprintf("spine%d", s+1) }

func torName(rack, tor int) string { return fmt.Sprintf("rack%d-tor%d", rack, tor) }

// tors adds both ToR switches of a rack and links them to all spines.
func (b *builder) tors(rack int) {
	for t := 1; t <= torsPerRack; t++ {
		p := b.m.IPAM.tor(rack, t)
		tor := b.router(cluster.Node{Name: torName(rack, t), Kind: cluster.ToR, Rack: &rack, Sysctls: routerSysctls()}, rack, p.Addr())
		for s := range b.m.Inventory.Spines {
			spine := b.node(spineName(s))
			a, z := b.m.spineToR(s, rack, t)
			b.link(end(spine, a, ""), end(tor, z, ""))
			session(spine, a.Addr(), tor, z.Addr())
		}
		tor.Interfaces = append(tor.Interfaces, cluster.Interface{Name: nextEth(tor), Type: cluster.Bridge, Addresses: []netip.Prefix{p}})
	}
}

// segment returns the bridge of the ToR switch tor, to which the servers of its rack are
// connected; the zero Interface if tor has none.
func segment(tor cluster.Node) cluster.Interface {
	for _, i := range tor.Interfaces {
		if i.Type == cluster.Bridge {
			return i
		}
	}
	return cluster.Interface{}
}

// hostSysctls returns the sysctls of every node. They disable reverse path filtering
// because, with multipath routes, a reply may arrive at another interface than that from
// which the request was sent.
func hostSysctls() map[string]string {
	return map[string]string{
		"net.ipv4.conf.all.rp_filter":     "0",
		"net.ipv4.conf.default.rp_filter": "0",
		// balance multipath routes by flow, not only by pair of hosts
		"net.ipv4.fib_multipath_hash_policy": "1",
		// do not use routes whose link is down
		"net.ipv4.conf.all.ignore_routes_with_linkdown":     "1",
		"net.ipv4.conf.default.ignore_routes_with_linkdown": "1",
	}
}

func routerSysctls() map[string]string {
	s := hostSysctls()
	s["net.ipv4.ip_forward"] = "1"
	return s
}
