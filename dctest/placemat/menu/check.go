package menu

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Check checks that the parts of the menu are consistent. It returns the first error,
// which starts with the name of the wrong field.
func (m *Menu) Check() error {
	for _, check := range []func() error{m.checkASN, m.checkRacks, m.checkRoom, m.checkPools, m.checkOverlaps, m.checkServers} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// private reports whether an AS number is reserved for private use (RFC 6996).
func private(asn uint64) bool {
	return 64512 <= asn && asn <= 65534 || 4200000000 <= asn && asn <= 4294967294
}

func (m *Menu) checkASN() error {
	base := uint64(m.Network.ASNBase)
	lowest, highest := base-3, base+uint64(len(m.Inventory.Racks))-1
	if !private(lowest) || !private(highest) || highest-lowest > 65534 {
		return fmt.Errorf("asn-base: %d and the racks need AS numbers from %d - 3 to %d, which are not all private", base, base, highest)
	}
	return nil
}

// maxRacks is the maximum number of racks; more are an error. Usually, AS numbers and
// addresses suffice only for fewer racks.
const maxRacks = 1024

func (m *Menu) checkRacks() error {
	switch n := len(m.Inventory.Racks); {
	case n == 0:
		return fmt.Errorf("rack: there must be at least one")
	case n > maxRacks:
		return fmt.Errorf("rack: there are %d racks, at most %d are possible", n, maxRacks)
	}
	for i, r := range m.Inventory.Racks {
		if n := r.CS + r.SS; n > m.IPAM.MaxNodesInRack {
			return fmt.Errorf("rack %d: %d nodes beside the boot server; max-nodes-in-rack is %d", i, n, m.IPAM.MaxNodesInRack)
		}
	}
	return nil
}

// checkRoom checks that each network has enough addresses for the inventory.
func (m *Menu) checkRoom() error {
	n := m.Network
	racks := len(m.Inventory.Racks)
	for _, c := range []struct {
		field string
		p     netip.Prefix
		need  int
		what  string
	}{
		{"internet", n.Internet, 4, "two hosts"},
		{"core-external", n.CoreExternal, 4, "two hosts"},
		{"core-operation", n.CoreOperation, 4, "two hosts"},
		{"ntp", n.NTP, 8, "three hosts"},
		{"core-spine", m.coreSpines(), 2 * m.Inventory.Spines, fmt.Sprintf("links to %d spines", m.Inventory.Spines)},
		{"exposed.bastion", n.Exposed.Bastion, racks, fmt.Sprintf("boot servers of %d racks", racks)},
	} {
		if span(c.p) < uint64(c.need) {
			return fmt.Errorf("%s: %s has no room for %s", c.field, c.p, c.what)
		}
	}
	if ip(n.SpineToR)%2 != 0 {
		return fmt.Errorf("spine-tor: %s is not the first address of a /31", n.SpineToR)
	}
	return nil
}

func (m *Menu) checkPools() error {
	racks := uint64(len(m.Inventory.Racks))
	for _, c := range []struct {
		pool string
		p    netip.Prefix
		off  netip.Addr
		need uint64
	}{
		{"node-ipv4-pool", m.IPAM.NodePool, m.IPAM.NodeOffset, racks * uint64(m.IPAM.NodeIPPerNode) << m.IPAM.NodeRangeSize},
		{"bmc-ipv4-pool", m.IPAM.BMCPool, m.IPAM.BMCOffset, racks << m.IPAM.BMCRangeSize},
	} {
		var skipped uint64
		if c.off.IsValid() {
			skipped = ip(c.off)
		}
		if skipped+c.need > span(c.p) {
			return fmt.Errorf("%s: %s has no room for %d racks", c.pool, c.p, racks)
		}
	}
	return nil
}

// checkServers checks that the images and device classes to which documents of kind
// Node refer exist.
func (m *Menu) checkServers() error {
	images, classes := map[string]bool{"": true}, map[string]bool{"": true}
	for _, i := range m.Images {
		images[i.Name] = true
	}
	for _, d := range m.DeviceClasses {
		classes[d.Name] = true
	}
	for _, kind := range []cluster.Kind{cluster.Boot, cluster.CS, cluster.SS} {
		s := m.Servers[kind]
		if !images[s.Image] {
			return fmt.Errorf("node of type %s: image: no document of kind Image is named %s", kind, s.Image)
		}
		for _, data := range s.Data {
			if !images[data] {
				return fmt.Errorf("node of type %s: data: no document of kind Image is named %s", kind, data)
			}
		}
		for _, d := range s.Disks {
			if !classes[d.DeviceClass] {
				return fmt.Errorf("node of type %s: disk %s: no document of kind DeviceClass is named %s", kind, d.Name, d.DeviceClass)
			}
		}
	}
	return nil
}
