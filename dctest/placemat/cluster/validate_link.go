package cluster

import (
	"net/netip"
	"slices"
)

func (v *validation) link(l Link) {
	okA, okB := v.end(l.A), v.end(l.B)
	if !okA || !okB {
		return
	}
	if l.A.Node == l.B.Node {
		v.fail("%s %s: linked to itself", l.A.Node, l.A.Interface)
	}
	if l.A.CIDR.Masked() != l.B.CIDR.Masked() {
		v.fail("%s %s and %s %s: not in one network: %s, %s",
			l.A.Node, l.A.Interface, l.B.Node, l.B.Interface, l.A.CIDR, l.B.CIDR)
	}
}

// end checks one end of a link, and reports whether it is valid.
func (v *validation) end(e End) bool {
	where := e.Node + " " + e.Interface
	n := v.nodes[e.Node]
	if n == nil {
		v.fail("%s: a link ends at an unknown node", where)
		return false
	}
	i, ok := n.iface(e.Interface)
	if !ok || i.Type != LinkEnd && i.Type != Port {
		v.fail("%s: a link ends at an interface that is not of type link or port", where)
		return false
	}
	id := End{Node: e.Node, Interface: e.Interface}
	if v.ends[id] {
		v.fail("%s: two links end here", where)
	}
	v.ends[id] = true
	if i.Type == Port {
		i, _ = n.iface(i.Master)
	}
	if len(i.Addresses) == 0 && !e.CIDR.IsValid() || slices.Contains(i.Addresses, e.CIDR) {
		return true
	}
	v.fail("%s: the link has the address %s, the interface has %v", where, e.CIDR, i.Addresses)
	return false
}

// unused adds an error for each interface of type link or port that has no link.
func (v *validation) unused() {
	for _, n := range v.c.Nodes {
		for _, i := range n.Interfaces {
			if (i.Type == LinkEnd || i.Type == Port) && !v.ends[End{Node: n.Name, Interface: i.Name}] {
				v.fail("%s %s: no link ends here", n.Name, i.Name)
			}
		}
	}
}

// sessions checks that the descriptions of each BGP session at its two nodes agree.
func (v *validation) sessions() {
	for _, n := range v.c.Nodes {
		for _, s := range n.Sessions {
			peer := v.nodes[s.Peer]
			switch {
			case peer == nil:
				v.fail("%s: BGP session with unknown node %s", n.Name, s.Peer)
			case peer.ASN != s.ASN:
				v.fail("%s: BGP session with %s in AS %d, but that node is in AS %d", n.Name, s.Peer, s.ASN, peer.ASN)
			case !peer.has(s.Address):
				v.fail("%s: BGP session with %s at %s, which is not an address of that node", n.Name, s.Peer, s.Address)
			case !slices.ContainsFunc(peer.Sessions, func(back Session) bool { return back.Peer == n.Name && n.has(back.Address) }):
				v.fail("%s: BGP session with %s, which has no session with this node", n.Name, s.Peer)
			case !slices.ContainsFunc(n.Interfaces, func(i Interface) bool { return i.on(s.Address) }):
				v.fail("%s: no interface reaches %s at %s", n.Name, s.Peer, s.Address)
			}
		}
	}
}

func (v *validation) server(n *Node) {
	if n.Kind.Server() != (n.Server != nil) {
		v.fail("%s: the field server is required for servers and not allowed for other nodes", n.Name)
	}
	if n.Server == nil {
		return
	}
	v.file(n, n.Server.Seed)
	for _, image := range append([]string{n.Server.Image}, n.Server.Data...) {
		if image != "" && !slices.ContainsFunc(v.c.Images, func(i Image) bool { return i.Name == image }) {
			v.fail("%s: unknown image %s", n.Name, image)
		}
	}
	for _, d := range n.Server.Disks {
		if d.DeviceClass != "" && !slices.ContainsFunc(v.c.DeviceClasses, func(c DeviceClass) bool { return c.Name == d.DeviceClass }) {
			v.fail("%s: unknown device class %s", n.Name, d.DeviceClass)
		}
	}
	if bmc := n.Server.BMC; bmc.IsValid() {
		v.assigned(n.Name+" bmc", Interface{Addresses: []netip.Prefix{netip.PrefixFrom(bmc, bmc.BitLen())}})
	}
}
