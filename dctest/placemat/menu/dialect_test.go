package menu

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func TestTheDialectOfExistingMenusIsAccepted(t *testing.T) {
	for name, c := range map[string]struct{ old, new string }{
		"as many nodes as sabakan takes": {"  - cs: 2\n    ss: 1", "  - {cs: 28, ss: 0}"},
		"a rack without ss":              {"  - cs: 2\n    ss: 1", "  - cs: 2"},
		"a rack without cs":              {"  - cs: 2\n    ss: 1", "  - ss: 2"},
		"data as a list":                 {"data: tools", "data: [tools, boot-server]"},
		"disks without size":             {"  disk-size: 10G\n", ""},
		"disks by their count":           {"- size: 10G", "- {size: 10G, count: 3, device-class: fast}"},
		"the first link to a spine":      {"core-spine: 10.0.2.0/28", "core-spine: 10.0.2.0/31"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoiled(t, "menu.yml", c.old, c.new); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDisksOfTheDialect(t *testing.T) {
	m, err := parse([]byte(`
kind: Network
spec: {ipam-config: x, asn-base: 64600, internet: 10.0.0.0/24, spine-tor: 10.0.1.0, core-spine: 10.0.2.2/31, core-external: 10.0.3.0/24,
  core-operation: 10.0.4.0/24, proxy: 10.0.49.3, ntp: 10.0.50.0/24, pod: 10.64.0.0/14,
  exposed: {bastion: 10.72.48.0/26, loadbalancer: 10.72.32.0/20, ingress: 10.72.50.0/26, global: 172.19.0.0/24}}
---
kind: Inventory
spec: {cluster-id: dev, spine: 2, rack: [{cs: 1}]}
---
kind: Node
type: boot
spec: {disk-count: 2, data: [a, b]}
---
kind: Node
type: cs
spec: {disks: [{size: 1G}, {size: 2G, count: 2, device-class: fast}, {size: 3G, count: 0}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[cluster.Kind]ServerSpec{
		cluster.Boot: {Data: []string{"a", "b"}, Disks: []cluster.Disk{{Name: "disk0", Size: "50G"}, {Name: "disk1", Size: "50G"}}},
		cluster.CS: {Disks: []cluster.Disk{
			{Name: "disk0", Size: "1G"}, {Name: "disk1", Size: "2G", DeviceClass: "fast"}, {Name: "disk2", Size: "2G", DeviceClass: "fast"},
		}},
	}
	if diff := cmp.Diff(want, m.Servers); diff != "" {
		t.Error(diff)
	}
	_, spine := m.coreSpine(1)
	if want := netip.MustParsePrefix("10.0.2.5/31"); spine != want {
		t.Errorf("spine 1 has %s, want %s", spine, want)
	}
	if got, want := m.coreSpines(), netip.MustParsePrefix("10.0.2.0/29"); got != want {
		t.Errorf("the links are in %s, want %s", got, want)
	}
	if got, want := m.coreSpineBlock().String(), "core-spine (10.0.2.2-10.0.2.5)"; got != want {
		t.Errorf("the links take %s, want %s", got, want)
	}
}
