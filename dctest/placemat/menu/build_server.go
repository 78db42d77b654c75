package menu

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// The names of those interfaces of a server that are not ends of links.
const (
	node0Interface   = "node0"
	bastionInterface = "bastion"
)

// fallbackMetric is the metric of a boot server's static default route, which is only
// used without BIRD. The routes of BIRD have the lower metric 32 and, unlike the static
// route, follow the state of the ToR switches.
const fallbackMetric = 1024

// serverName returns the name of a server: a rack has one boot server, and other servers
// are numbered from 1.
func serverName(kind cluster.Kind, rack, number int) string {
	if kind == cluster.Boot {
		return fmt.Sprintf("boot-%d", rack)
	}
	return fmt.Sprintf("rack%d-%s%d", rack, kind, number)
}

// server adds a server and links it to both ToR switches of its rack.
func (b *builder) server(kind cluster.Kind, rack, number, index int) {
	name := serverName(kind, rack, number)
	n := b.add(cluster.Node{
		Name: name, Kind: kind, Rack: &rack, ASN: b.m.asn(kind, rack), Sysctls: hostSysctls(),
		Server: b.resources(name, kind, rack, index),
	})
	node0 := host(b.m.IPAM.node(rack, index, 0).Addr())
	dummies := []cluster.Interface{dummy(node0Interface, node0)}
	route := cluster.Route{To: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Source: node0.Addr(), Metric: fallbackMetric}
	if kind == cluster.Boot {
		bastion := b.m.bastion(rack)
		dummies = append(dummies, dummy(bastionInterface, bastion))
		route.Source = bastion.Addr()
		n.RouterID, n.BirdConf = node0.Addr(), "bird_"+name+".conf"
	}
	for t := 1; t <= torsPerRack; t++ {
		tor := b.node(torName(rack, t))
		p, gateway := b.m.IPAM.node(rack, index, t), segment(*tor)
		tor.Interfaces = append(tor.Interfaces, cluster.Interface{Name: name, Type: cluster.Port, Master: gateway.Name})
		b.link(cluster.End{Node: tor.Name, Interface: name, CIDR: gateway.Addresses[0]}, end(n, p, "link"))
		route.Via = append(route.Via, gateway.Addresses[0].Addr())
		if kind == cluster.Boot {
			session(tor, gateway.Addresses[0].Addr(), n, p.Addr())
		}
	}
	n.Interfaces = append(n.Interfaces, dummies...)
	n.Routes = []cluster.Route{route}
}

// resources returns the resources that the menu gives to servers of this kind.
func (b *builder) resources(name string, kind cluster.Kind, rack, index int) *cluster.Server {
	spec := b.m.Servers[kind]
	s := &cluster.Server{
		Serial: serial(name), Index: index, BMC: b.m.IPAM.bmc(rack, index),
		Image: spec.Image, Data: spec.Data, CPU: spec.CPU, SMP: spec.SMP, Memory: spec.Memory, NUMA: spec.NUMA,
		Disks: spec.Disks, UEFI: spec.UEFI, TPM: spec.TPM,
	}
	if kind == cluster.Boot || spec.SeedTemplate != "" {
		s.Seed = "seed_" + name + ".yml"
	}
	return s
}

// serial returns a serial number that is derived from the server's name, so that it is
// the same in every build of the data centre.
func serial(name string) string {
	sum := sha1.Sum([]byte(name))
	return hex.EncodeToString(sum[:])
}
