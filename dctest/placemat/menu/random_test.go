package menu

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// randomMenu returns a valid menu with ranges of random sizes at random places.
func randomMenu(r *rand.Rand) *Menu {
	size := 4 + r.IntN(3)
	maxNodes := 1 + r.IntN(1<<(size-1)-bootIndex-2)
	m := &Menu{
		Inventory: Inventory{ClusterID: "random", Spines: 1 + r.IntN(4)},
		IPAM: IPAM{
			MaxNodesInRack: maxNodes, NodeRangeSize: size, NodeRangeMask: 32 - size,
			NodeIPPerNode: addressesPerNode, NodeIndexOffset: bootIndex, NodeGatewayOffset: 1 + r.IntN(2),
			BMCRangeSize: size - 1, BMCGatewayOffset: 1,
		},
		Servers: map[cluster.Kind]ServerSpec{},
	}
	for range 1 + r.IntN(6) {
		cs := r.IntN(min(maxNodes, 8) + 1)
		m.Inventory.Racks = append(m.Inventory.Racks, Rack{CS: cs, SS: r.IntN(min(maxNodes-cs, 4) + 1)})
	}
	if r.IntN(2) == 0 {
		m.IPAM.NodeOffset = plus(netip.IPv4Unspecified(), r.IntN(4)<<size)
		m.IPAM.BMCOffset = plus(netip.IPv4Unspecified(), r.IntN(4)<<(size-1))
	}
	m.Network.ASNBase = []uint32{64515, 64600, 65500, 4200000003, 4294967280}[r.IntN(5)]
	randomRanges(r, m)
	m.IPAM.BMCRangeMask = m.IPAM.BMCPool.Bits() + r.IntN(32-m.IPAM.BMCRangeSize-m.IPAM.BMCPool.Bits()+1)
	return m
}

// randomRanges chooses the ranges of addresses at random from blocks of 1,024 addresses.
func randomRanges(r *rand.Rand, m *Menu) {
	n := &m.Network
	blocks := r.Perm(1 << 14)
	take := func(least, most int) netip.Prefix {
		first := plus(netip.AddrFrom4([4]byte{10, 0, 0, 0}), blocks[0]<<10)
		blocks = blocks[1:]
		return netip.PrefixFrom(first, least+r.IntN(most-least+1))
	}
	n.Internet, n.CoreExternal, n.CoreOperation = take(22, 30), take(22, 30), take(22, 30)
	n.NTP, n.CoreSpine, n.Pod = take(22, 29), take(22, 29), take(22, 32)
	n.Proxy, n.SpineToR = take(32, 32).Addr(), plus(take(22, 22).Addr(), 2*r.IntN(100))
	n.Exposed = Exposed{Bastion: take(22, 29), LoadBalancer: take(22, 32), Ingress: take(22, 32), Global: take(22, 32)}
	// the pools are larger than a block, so they are outside of the blocks
	m.IPAM.NodePool = netip.MustParsePrefix(fmt.Sprintf("172.%d.0.0/%d", 16+r.IntN(8), 16+r.IntN(4)))
	m.IPAM.BMCPool = netip.MustParsePrefix(fmt.Sprintf("172.%d.0.0/%d", 24+r.IntN(8), 16+r.IntN(5)))
}

func TestRandomMenus(t *testing.T) {
	for seed := range uint64(1000) {
		m := randomMenu(rand.New(rand.NewPCG(seed, 0)))
		if err := m.IPAM.check(); err != nil {
			t.Fatalf("seed %d: the menu is wrong: %v", seed, err)
		}
		if err := m.Check(); err != nil {
			t.Fatalf("seed %d: the menu is wrong: %v", seed, err)
		}
		c, err := m.Cluster() // it also validates the description
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, hold := range []func(*cluster.Cluster) error{noAddressTwice, separateASes, symmetricalLinks} {
			if err := hold(c); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
	}
}

func noAddressTwice(c *cluster.Cluster) error {
	owner := map[netip.Addr]string{}
	give := func(a netip.Addr, who string) error {
		if other, ok := owner[a]; ok {
			return fmt.Errorf("%s and %s have %s", other, who, a)
		}
		owner[a] = who
		return nil
	}
	for _, n := range c.Nodes {
		if n.Server != nil {
			if err := give(n.Server.BMC, n.Name+" bmc"); err != nil {
				return err
			}
		}
		for _, i := range n.Interfaces {
			for _, p := range i.Addresses {
				if err := give(p.Addr(), n.Name+" "+i.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// separateASes checks that all nodes with the same AS number belong together, and that
// each AS number is private.
func separateASes(c *cluster.Cluster) error {
	groups := map[uint32]string{}
	for _, n := range c.Nodes {
		if n.ASN == 0 {
			continue
		}
		group := string(n.Kind)
		if n.Rack != nil {
			group = fmt.Sprintf("rack %d", *n.Rack)
		}
		if !private(uint64(n.ASN)) {
			return fmt.Errorf("%s: AS %d is not private", n.Name, n.ASN)
		}
		if other, ok := groups[n.ASN]; ok && other != group {
			return fmt.Errorf("%s and %s are in AS %d", other, group, n.ASN)
		}
		groups[n.ASN] = group
	}
	names := map[string]bool{}
	for _, g := range groups {
		if names[g] {
			return fmt.Errorf("%s is in two ASes", g)
		}
		names[g] = true
	}
	return nil
}

// symmetricalLinks checks that both ends of a link are in one network, that sessions are
// on links, and that every ToR is linked to every spine.
func symmetricalLinks(c *cluster.Cluster) error {
	for _, l := range c.Links {
		if !l.A.CIDR.Masked().Contains(l.B.CIDR.Addr()) || !l.B.CIDR.Masked().Contains(l.A.CIDR.Addr()) || l.A.CIDR == l.B.CIDR {
			return fmt.Errorf("%v: the ends do not reach each other", l)
		}
	}
	for _, n := range c.Nodes {
		for _, s := range n.Sessions {
			peer, _ := c.Node(s.Peer)
			back := slices.IndexFunc(peer.Sessions, func(b cluster.Session) bool { return b.Peer == n.Name })
			if back < 0 || peer.Sessions[back].ASN != n.ASN || len(c.Between(n.Name, s.Peer)) != 1 {
				return fmt.Errorf("session of %s with %s has no other side", n.Name, s.Peer)
			}
		}
	}
	for _, spine := range c.Of(cluster.Spine) {
		for _, tor := range c.Of(cluster.ToR) {
			if len(c.Between(spine.Name, tor.Name)) != 1 {
				return fmt.Errorf("%s and %s are not linked", spine.Name, tor.Name)
			}
		}
	}
	return nil
}
