package menu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spoiled replaces the text old by new in one file of the menu in testdata, and returns
// the error of loading that menu.
func spoiled(t *testing.T, file, old, new string) error {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"menu.yml", "ipam.json", "seed_cs.yml.template"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == file {
			if !strings.Contains(string(data), old) {
				t.Fatalf("%s does not contain %q", name, old)
			}
			data = []byte(strings.Replace(string(data), old, new, 1))
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Load(filepath.Join(dir, "menu.yml"))
	if err == nil {
		_, err = m.Files()
	}
	return err
}

func TestBadMenuIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"CIDR":                  {"internet: 10.0.0.0/24", "internet: 10.0.0/24", `menu.yml:6: internet: bad IPv4 CIDR "10.0.0/24"`},
		"IPv6":                  {"internet: 10.0.0.0/24", "internet: fd00::/64", `menu.yml:6: internet: bad IPv4 CIDR`},
		"host bits":             {"bastion: 10.72.48.0/26", "bastion: 10.72.48.1/26", `menu.yml:15: bastion: bad CIDR "10.72.48.1/26": it has host bits, the network is 10.72.48.0/26`},
		"address":               {"proxy: 10.0.49.3", "proxy: 10.0.49.3/32", `menu.yml:11: proxy: bad IPv4 address`},
		"unknown kind":          {"kind: Inventory", "kind: Invent", `menu.yml:20: unknown kind "Invent"; known: DeviceClass, Image, Inventory, Network, Node`},
		"no kind":               {"kind: Inventory", "sort: Inventory", `menu.yml:20: unknown kind ""`},
		"unknown field":         {"  pod: 10.64.0.0/14", "  pot: 10.64.0.0/14", `menu.yml:13: spec of Network: unknown field "pot"; known: asn-base`},
		"unknown field above":   {"kind: DeviceClass", "kind: DeviceClass\ncolour: red", `menu.yml:38: DeviceClass: unknown field "colour"`},
		"unknown field in rack": {"- cs: 2", "- gs: 2", `menu.yml:25: rack: unknown field "gs"; known: cs, ss`},
		"field twice":           {"  ntp: 10.0.50.0/24", "  ntp: 10.0.50.0/24\n  ntp: 10.0.51.0/24", `menu.yml:13: spec of Network: field ntp is given twice`},
		"missing field":         {"  proxy: 10.0.49.3\n", "", `menu.yml:4: spec of Network: field proxy is missing`},
		"empty value":           {"proxy: 10.0.49.3", "proxy:", `menu.yml:11: proxy: want one value`},
		"not YAML":              {"kind: Inventory", "kind: [", `menu.yml: yaml: line`},
		"no Inventory":          {"kind: Inventory\nspec:\n  cluster-id: dev\n  spine: 2\n  rack:\n  - cs: 2\n    ss: 1\n  - {cs: 0, ss: 0}\n", "", "no document of kind Inventory"},
		"second Network":        {"kind: Inventory", "kind: Network\nspec: {}\n---\nkind: Inventory", `menu.yml:20: a second Network; the first is at line 2`},
		"no racks":              {"  rack:\n  - cs: 2\n    ss: 1\n  - {cs: 0, ss: 0}\n", "  rack: []\n", "rack: there must be at least one"},
		"negative number":       {"cs: 2", "cs: -2", `menu.yml:25: cs: bad number "-2": want 0 to 1024`},
		"too many nodes":        {"cs: 2", "cs: 28", "rack 0: 29 nodes beside the boot server; max-nodes-in-rack is 28"},
		"cluster id":            {"cluster-id: dev", "cluster-id: De_v", `bad cluster name "De_v"`},
		"overlap":               {"ingress: 10.72.50.0/26", "ingress: 10.72.48.0/26", "exposed.ingress (10.72.48.0-10.72.48.63) overlaps with exposed.bastion"},
		"overlap with nodes":    {"pod: 10.64.0.0/14", "pod: 10.68.0.0/14", "node-ipv4-pool (10.69.0.0-10.69.15.255) overlaps with pod"},
		"overlap with links":    {"spine-tor: 10.0.1.0", "spine-tor: 10.0.1.250", "core-spine (10.0.2.0-10.0.2.15) overlaps with spine-tor (10.0.1.250-10.0.2.9)"},
		"links beyond all":      {"spine-tor: 10.0.1.0", "spine-tor: 255.255.255.254", "spine-tor: 255.255.255.254: no host can have an address in 224.0.0.0/3"},
		"odd first link":        {"spine-tor: 10.0.1.0", "spine-tor: 10.0.1.1", "spine-tor: 10.0.1.1 is not the first address of a /31"},
		"too many spines":       {"spine: 2", "spine: 9", "core-spine: 10.0.2.0/28 has no room for links to 9 spines"},
		"no spine":              {"spine: 2", "spine: 0", `menu.yml:23: spine: bad number "0": want 1 to 64`},
		"no room for hosts":     {"ntp: 10.0.50.0/24", "ntp: 10.0.50.0/30", "ntp: 10.0.50.0/30 has no room for three hosts"},
		"no room for bastions":  {"bastion: 10.72.48.0/26", "bastion: 10.72.48.0/32", "exposed.bastion: 10.72.48.0/32 has no room for boot servers of 2 racks"},
		"public AS":             {"asn-base: 64600", "asn-base: 64514", "asn-base: 64514 and the racks need AS numbers from 64514 - 3 to 64515"},
		"AS below zero":         {"asn-base: 64600", "asn-base: 1", "which are not all private"},
		"last AS":               {"asn-base: 64600", "asn-base: 65534", "asn-base: 65534"},
		"image and file":        {"url: https://example.com/tools.img", "url: https://example.com/tools.img\nfile: x", "menu.yml:33: Image tools: want exactly one of url and file"},
		"image twice":           {"name: tools", "name: boot-server", "menu.yml:33: a second Image boot-server; the first is at line 29"},
		"unknown image":         {"image: boot-server", "image: boot", "node of type boot: image: no document of kind Image is named boot"},
		"unknown device class":  {"device-class: fast", "device-class: slow", "node of type cs: disk system: no document of kind DeviceClass is named slow"},
		"unknown type":          {"type: cs", "type: gpu", `menu.yml:52: type: unknown type "gpu"; known: boot, cs, ss`},
		"type twice":            {"type: cs", "type: boot", `menu.yml:51: a second Node of type boot; the first is at line 41`},
		"cpu and smp":           {"  smp:", "  cpu: 1\n  smp:", "menu.yml:54: spec of Node: want only one of cpu and smp"},
		"size":                  {"memory: 1G", "memory: much", `menu.yml:47: memory: bad size "much"`},
		"no host's address":     {"proxy: 10.0.49.3", "proxy: 0.0.0.0", "menu.yml:11: proxy: 0.0.0.0: no host can have an address in 0.0.0.0/8"},
		"network of this host":  {"loadbalancer: 10.72.32.0/20", "loadbalancer: 127.0.0.0/8", "loadbalancer: 127.0.0.0/8: no host can have an address in 127.0.0.0/8"},
		"groups":                {"global: 172.19.0.0/24", "global: 224.0.0.0/4", "global: 224.0.0.0/4: no host can have an address in 224.0.0.0/3"},
		"too many disks":        {"disk-count: 2", "disk-count: 100000000", `disk-count: bad number "100000000": want 0 to 64`},
		"disks of a row":        {"size: 30G, device-class: fast}", "size: 30G}\n  - {size: 1G, count: 64}", "more than 64 disks"},
		"name and count":        {"name: system, size", "name: system, count: 2, size", "disk system: want only one of name and count"},
		"too many processors":   {"cpu: 2", "cpu: 99999999", `cpu: bad number "99999999": want 1 to 4096`},
		"too large":             {"memory: 1G", "memory: 99999999999999T", `memory: bad size`},
		"unknown data":          {"data: tools", "data: [tools, none]", "node of type boot: data: no document of kind Image is named none"},
		"flag":                  {"uefi: true", "uefi: perhaps", `want true or false, got "perhaps"`},
		"no template":           {"seed_cs.yml.template", "no.template", "cloud-init-template: open"},
		"no IPAM":               {"ipam.json", "no.json", "ipam-config: open"},
	} {
		t.Run(name, func(t *testing.T) {
			err := spoiled(t, "menu.yml", c.old, c.new)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}

func TestBadIPAMIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"addresses per node": {`"node-ip-per-node": 3`, `"node-ip-per-node": 2`, "node-ip-per-node must be 3, it is 2"},
		"index offset":       {`"node-index-offset": 3`, `"node-index-offset": 4`, "node-index-offset must be 3, it is 4"},
		"missing":            {`"node-index-offset": 3,`, ``, "node-index-offset must be 3, it is 0"},
		"host bits":          {"10.69.0.0/20", "10.69.0.1/20", "node-ipv4-pool: 10.69.0.1/20 has host bits"},
		"no pool":            {`"bmc-ipv4-pool": "10.72.16.0/20",`, "", "bmc-ipv4-pool: want an IPv4 CIDR"},
		"bad pool":           {"10.69.0.0/20", "x", "ipam.json"},
		"mask":               {`"node-ipv4-range-mask": 26`, `"node-ipv4-range-mask": 25`, "node-ipv4-range-mask must be 32 - node-ipv4-range-size, it is 25"},
		"negative size":      {`"node-ipv4-range-size": 6`, `"node-ipv4-range-size": -1`, "node-ipv4-range-size must be 3 to 16, it is -1"},
		"offset":             {"0.0.1.0", "0.0.1.1", "bmc-ipv4-offset: want a multiple"},
		"offset beyond":      {"0.0.1.0", "0.0.15.224", "bmc-ipv4-pool: 10.72.16.0/20 has no room for 2 racks"},
		"full rack":          {`"max-nodes-in-rack": 28`, `"max-nodes-in-rack": 29`, "max-nodes-in-rack must be what fits into bmc-ipv4-range-size, it is 29"},
		"small pool":         {"10.69.0.0/20", "10.69.0.0/24", "node-ipv4-pool: 10.69.0.0/24 has no room for 2 racks"},
		"unknown field":      {`"max-nodes-in-rack"`, `"max-nodes"`, `unknown field "max-nodes"`},
		"gateway":            {`"node-ip-per-node": 3`, `"node-gateway-offset": 3, "node-ip-per-node": 3`, "node-gateway-offset must be 1 or 2, it is 3"},
	} {
		t.Run(name, func(t *testing.T) {
			err := spoiled(t, "ipam.json", c.old, c.new)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}

func TestBadSeedTemplateIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ new, want string }{
		"syntax": {"{{.Name", "seed_rack0-cs1.yml: template: seed_cs.yml.template:"},
		"field":  {"{{.Colour}}", "seed_rack0-cs1.yml: template: seed_cs.yml.template:2"},
	} {
		t.Run(name, func(t *testing.T) {
			err := spoiled(t, "seed_cs.yml.template", "{{.Name}}", c.new)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %q", err, c.want)
			}
		})
	}
}
