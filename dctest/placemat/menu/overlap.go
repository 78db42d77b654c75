package menu

import (
	"fmt"
	"net/netip"
)

// span returns the number of addresses of a network.
func span(p netip.Prefix) uint64 { return 1 << (32 - p.Bits()) }

// block is a range of addresses that a field of the menu defines.
type block struct {
	field       string
	first, last uint64
}

func (b block) String() string {
	return fmt.Sprintf("%s (%s-%s)", b.field, plus(netip.IPv4Unspecified(), int(b.first)), plus(netip.IPv4Unspecified(), int(b.last)))
}

func blockOf(field string, p netip.Prefix) block {
	return block{field, ip(p.Addr()), ip(p.Addr()) + span(p) - 1}
}

// blocks returns the ranges of addresses that the fields of the menu define. They must
// not overlap.
func (m *Menu) blocks() []block {
	n := m.Network
	links := uint64(2 * torsPerRack * len(m.Inventory.Racks) * m.Inventory.Spines)
	return []block{
		blockOf("internet", n.Internet),
		{"spine-tor", ip(n.SpineToR), ip(n.SpineToR) + links - 1},
		m.coreSpineBlock(),
		blockOf("core-external", n.CoreExternal),
		blockOf("core-operation", n.CoreOperation),
		blockOf("proxy", host(n.Proxy)),
		blockOf("ntp", n.NTP),
		blockOf("pod", n.Pod),
		blockOf("exposed.bastion", n.Exposed.Bastion),
		blockOf("exposed.loadbalancer", n.Exposed.LoadBalancer),
		blockOf("exposed.ingress", n.Exposed.Ingress),
		blockOf("exposed.global", n.Exposed.Global),
		blockOf("node-ipv4-pool", m.IPAM.NodePool),
		blockOf("bmc-ipv4-pool", m.IPAM.BMCPool),
	}
}

// coreSpineBlock returns the range of addresses that the menu's field core-spine
// defines: the whole network or, if core-spine is a /31, the links to all spines.
func (m *Menu) coreSpineBlock() block {
	b := blockOf("core-spine", m.Network.CoreSpine)
	if m.Network.CoreSpine.Bits() == linkBits {
		b.last = b.first + uint64(2*m.Inventory.Spines) - 1
	}
	return b
}

func (m *Menu) checkOverlaps() error {
	all := m.blocks()
	for i, a := range all {
		if a.last > 1<<32-1 {
			return fmt.Errorf("%s: beyond the last address", a.field)
		}
		for _, b := range all[:i] {
			if a.first <= b.last && b.first <= a.last {
				return fmt.Errorf("%s overlaps with %s", a, b)
			}
		}
	}
	return nil
}
