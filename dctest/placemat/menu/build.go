package menu

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Cluster returns the description of the data centre. The same menu gives the same
// description.
func (m *Menu) Cluster() (*cluster.Cluster, error) {
	b := &builder{m: m, c: &cluster.Cluster{
		Name: m.Inventory.ClusterID, ASNBase: m.Network.ASNBase,
		Networks: m.networks(), Images: m.Images, DeviceClasses: m.DeviceClasses,
	}}
	b.core()
	for r, rack := range m.Inventory.Racks {
		b.tors(r)
		b.server(cluster.Boot, r, 0, bootIndex)
		for i := range rack.CS {
			b.server(cluster.CS, r, i+1, bootIndex+1+i)
		}
		for i := range rack.SS {
			b.server(cluster.SS, r, i+1, bootIndex+1+rack.CS+i)
		}
	}
	c := b.finish()
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("data centre of the menu: %w", err)
	}
	return c, nil
}

// builder collects the nodes of a description, and adds links and BGP sessions to them.
type builder struct {
	m *Menu
	c *cluster.Cluster
	// switches and servers are the nodes in order. A description lists servers last.
	switches, servers []*cluster.Node
}

func (b *builder) add(n cluster.Node) *cluster.Node {
	list := &b.switches
	if n.Kind.Server() {
		list = &b.servers
	}
	*list = append(*list, &n)
	return &n
}

func (b *builder) node(name string) *cluster.Node {
	for _, list := range [][]*cluster.Node{b.switches, b.servers} {
		for _, n := range list {
			if n.Name == name {
				return n
			}
		}
	}
	return nil
}

func (b *builder) finish() *cluster.Cluster {
	for _, n := range append(b.switches, b.servers...) {
		b.c.Nodes = append(b.c.Nodes, *n)
	}
	return b.c
}

// router adds a node that runs BIRD.
func (b *builder) router(n cluster.Node, rack int, id netip.Addr) *cluster.Node {
	n.ASN, n.RouterID, n.BirdConf = b.m.asn(n.Kind, rack), id, "bird_"+n.Name+".conf"
	return b.add(n)
}

// end adds the next interface eth<i> to a node, as the end of a link, and returns that
// end.
func end(n *cluster.Node, p netip.Prefix, scope string) cluster.End {
	i := cluster.Interface{Name: nextEth(n), Type: cluster.LinkEnd, Addresses: []netip.Prefix{p}, Scope: scope}
	n.Interfaces = append(n.Interfaces, i)
	return cluster.End{Node: n.Name, Interface: i.Name, CIDR: p}
}

// nextEth returns the name of a node's next interface: eth0, eth1, …
func nextEth(n *cluster.Node) string {
	count := 0
	for _, i := range n.Interfaces {
		if i.Type == cluster.LinkEnd || i.Type == cluster.Bridge {
			count++
		}
	}
	return fmt.Sprintf("eth%d", count)
}

func (b *builder) link(a, z cluster.End) {
	b.c.Links = append(b.c.Links, cluster.Link{A: a, B: z})
}

// session adds a BGP session between the nodes a and b at the given addresses.
func session(a *cluster.Node, addrA netip.Addr, z *cluster.Node, addrZ netip.Addr) {
	a.Sessions = append(a.Sessions, cluster.Session{Peer: z.Name, Address: addrZ, ASN: z.ASN})
	z.Sessions = append(z.Sessions, cluster.Session{Peer: a.Name, Address: addrA, ASN: a.ASN})
}

func dummy(name string, addresses ...netip.Prefix) cluster.Interface {
	return cluster.Interface{Name: name, Type: cluster.Dummy, Addresses: addresses}
}
