package menu

import (
	"encoding/binary"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// ip is an IPv4 address as a number.
func ip(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}

// plus counts on from an address. Check has seen to it that none overflows.
func plus(a netip.Addr, n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(ip(a)+uint64(n)))
	return netip.AddrFrom4(b)
}

// nth is an address of a network with the network's mask.
func nth(p netip.Prefix, n int) netip.Prefix {
	return netip.PrefixFrom(plus(p.Addr(), n), p.Bits())
}

// host is an address alone.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// nodeBase is the first address of the pool that is in use.
func (p IPAM) nodeBase() netip.Addr { return shifted(p.NodePool, p.NodeOffset) }

func (p IPAM) bmcBase() netip.Addr { return shifted(p.BMCPool, p.BMCOffset) }

func shifted(pool netip.Prefix, offset netip.Addr) netip.Addr {
	if !offset.IsValid() {
		return pool.Addr()
	}
	return plus(pool.Addr(), int(ip(offset)))
}

// nodeNetwork is the network of node0, node1 or node2 in a rack.
func (p IPAM) nodeNetwork(rack, i int) netip.Prefix {
	return netip.PrefixFrom(plus(p.nodeBase(), (rack*p.NodeIPPerNode+i)<<p.NodeRangeSize), p.NodeRangeMask)
}

// node is address i of the server with an index in a rack.
func (p IPAM) node(rack, index, i int) netip.Prefix {
	return nth(p.nodeNetwork(rack, i), index)
}

// bmc is the address of that server's management controller.
func (p IPAM) bmc(rack, index int) netip.Addr {
	return plus(p.bmcBase(), rack<<p.BMCRangeSize+index)
}

// tor is the address of a ToR in its rack's network: ToR 1 is in node1's, ToR
// 2 in node2's.
func (p IPAM) tor(rack, tor int) netip.Prefix {
	return nth(p.nodeNetwork(rack, tor), p.NodeGatewayOffset)
}

// linkBits is the mask of the links between switches.
const linkBits = 31

// torsPerRack is the number of ToR switches, and of links of each server.
const torsPerRack = 2

// spineToR are both addresses of the link between spine s, counted from 0,
// and ToR t of rack r.
func (m *Menu) spineToR(s, r, t int) (spine, tor netip.Prefix) {
	a := plus(m.Network.SpineToR, 2*torsPerRack*(len(m.Inventory.Racks)*s+r)+2*(t-1))
	return netip.PrefixFrom(a, linkBits), netip.PrefixFrom(plus(a, 1), linkBits)
}

// coreSpines is the network of the links between the core and the spines. Where
// core-spine is a /31, the first link, it is the smallest network around all of them.
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

// coreSpine are both addresses of the link between the core and spine s.
func (m *Menu) coreSpine(s int) (core, spine netip.Prefix) {
	a := plus(m.Network.CoreSpine.Addr(), 2*s)
	return netip.PrefixFrom(a, linkBits), netip.PrefixFrom(plus(a, 1), linkBits)
}

func (m *Menu) bastion(rack int) netip.Prefix {
	return host(plus(m.Network.Exposed.Bastion.Addr(), rack))
}

// asn is the AS number of a node of the kind. Nobody speaks for External: the
// number is kept free for an outside router.
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
