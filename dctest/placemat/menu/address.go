package menu

import (
	"encoding/binary"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// ip returns an IPv4 address as a number.
func ip(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}

// plus returns the address n after a. Check ensures that there is one.
func plus(a netip.Addr, n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(ip(a)+uint64(n)))
	return netip.AddrFrom4(b)
}

// nth returns address n of a network, with the network's prefix length.
func nth(p netip.Prefix, n int) netip.Prefix {
	return netip.PrefixFrom(plus(p.Addr(), n), p.Bits())
}

// host returns the prefix that contains only the address a.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// nodeBase returns the first of the node pool's addresses that are assigned to racks.
func (p IPAM) nodeBase() netip.Addr { return shifted(p.NodePool, p.NodeOffset) }

func (p IPAM) bmcBase() netip.Addr { return shifted(p.BMCPool, p.BMCOffset) }

func shifted(pool netip.Prefix, offset netip.Addr) netip.Addr {
	if !offset.IsValid() {
		return pool.Addr()
	}
	return plus(pool.Addr(), int(ip(offset)))
}

// nodeNetwork returns the network of the interfaces node<i>, for i from 0 to 2, of all
// servers in a rack.
func (p IPAM) nodeNetwork(rack, i int) netip.Prefix {
	return netip.PrefixFrom(plus(p.nodeBase(), (rack*p.NodeIPPerNode+i)<<p.NodeRangeSize), p.NodeRangeMask)
}

// node returns the address of the interface node<i> of the server with this index in a
// rack.
func (p IPAM) node(rack, index, i int) netip.Prefix {
	return nth(p.nodeNetwork(rack, i), index)
}

// bmc returns the address of the management controller of the server with this index in a
// rack.
func (p IPAM) bmc(rack, index int) netip.Addr {
	return plus(p.bmcBase(), rack<<p.BMCRangeSize+index)
}

// tor returns the address that a ToR switch has for the servers of its rack. ToR 1 is
// in the network of the interfaces node1, and ToR 2 in that of node2.
func (p IPAM) tor(rack, tor int) netip.Prefix {
	return nth(p.nodeNetwork(rack, tor), p.NodeGatewayOffset)
}

// linkBits is the prefix length of links between switches.
const linkBits = 31

// torsPerRack is the number of ToR switches in a rack. A server has a link to each of
// them.
const torsPerRack = 2

// spineToR returns the addresses of the two ends of the link between spine s, counted
// from 0, and ToR t, counted from 1, of rack r.
func (m *Menu) spineToR(s, r, t int) (spine, tor netip.Prefix) {
	a := plus(m.Network.SpineToR, 2*torsPerRack*(len(m.Inventory.Racks)*s+r)+2*(t-1))
	return netip.PrefixFrom(a, linkBits), netip.PrefixFrom(plus(a, 1), linkBits)
}

// coreSpines returns a network that contains all links between the core and the spines.
// That is the menu's core-spine, unless core-spine is a /31 and thus only the first link;
// then it is the smallest such network.
func (m *Menu) coreSpines() netip.Prefix {
	p := m.Network.CoreSpine
	if p.Bits() != linkBits {
		return p
	}
	last := uint64(2*m.Inventory.Spines - 1)
	for p.Bits() > 0 && ip(p.Addr())+span(p)-1 < ip(m.Network.CoreSpine.Addr())+last {
		p = netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked()
	}
	return p
}

// coreSpine returns the addresses of the two ends of the link between the core and spine
// s.
func (m *Menu) coreSpine(s int) (core, spine netip.Prefix) {
	a := plus(m.Network.CoreSpine.Addr(), 2*s)
	return netip.PrefixFrom(a, linkBits), netip.PrefixFrom(plus(a, 1), linkBits)
}

func (m *Menu) bastion(rack int) netip.Prefix {
	return host(plus(m.Network.Exposed.Bastion.Addr(), rack))
}

// asn returns the AS number of a node of the given kind. The node External does not use
// BGP; its number is reserved for an external router.
func (m *Menu) asn(kind cluster.Kind, rack int) uint32 {
	switch kind {
	case cluster.Core:
		return m.Network.ASNBase - 3
	case cluster.External:
		return m.Network.ASNBase - 2
	case cluster.Spine:
		return m.Network.ASNBase - 1
	}
	return m.Network.ASNBase + uint32(rack)
}
