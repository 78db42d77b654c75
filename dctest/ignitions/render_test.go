package ignitions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/render"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	root  = "../.."
	myURL = "http://10.69.0.3:10080"
)

// roles returns the roles that have a template.
func roles(t *testing.T) []string {
	t.Helper()
	sites, err := filepath.Glob(root + "/ignitions/roles/*/site.yml")
	if err != nil || len(sites) < 3 {
		t.Fatalf("templates: %q %v", sites, err)
	}
	var all []string
	for _, site := range sites {
		all = append(all, filepath.Base(filepath.Dir(site)))
	}
	return all
}

// ckeImages are the images that `ckecli images` lists.
func ckeImages() []string {
	return []string{"etcd", "cke-tools", "kubernetes", "pause", "coredns", "unbound", "unbound_exporter"}
}

// metadata returns the metadata that is uploaded with a template, with the changes that a
// test makes.
func metadata(changes map[string]any) map[string]any {
	meta := map[string]any{
		"version":                   "2026.11.29-1",
		"boot_servers":              []any{"10.69.0.3", "10.69.0.195", "10.69.1.131"},
		"authorized_key":            "ssh-rsa AAAAB3NzaC1yc2E= neco",
		"proxy_url":                 "http://10.0.49.3:3128",
		"external_ip_address_block": "172.19.0.16/28",
	}
	for _, name := range neco.SabakanImages {
		meta[name+".ref"], meta[name+".img"] = "quay.io/cybozu/"+name+":1.2.3", "cybozu-"+name+"-1.2.3.img"
	}
	for _, name := range ckeImages() {
		meta["cke:"+name+".ref"], meta["cke:"+name+".img"] = "quay.io/cybozu/"+name+":4.5.6", "cybozu-"+name+"-4.5.6.img"
	}
	maps.Copy(meta, changes)
	return meta
}

// machine returns the machine of a role with an index in a rack, and with the addresses that
// sabakan assigns to it.
func machine(t *testing.T, role string, rack, index uint) inventory.Machine {
	t.Helper()
	plan := inventory.IPAM{
		MaxNodes: 28, NodePool: netip.MustParsePrefix("10.69.0.0/20"), NodeSize: 6, NodeMask: 26, PerNode: 3, Index: 3, NodeGateway: 1,
		BMCPool: netip.MustParsePrefix("10.72.16.0/20"), BMCOffset: "0.0.1.0", BMCSize: 5, BMCMask: 20, BMCGateway: 1,
	}
	m := inventory.Machine{Spec: inventory.Spec{
		Serial: fmt.Sprintf("SN-%d-%d", rack, index), Role: role, Rack: rack,
		Labels: map[string]string{"machine-type": "qemu", "product": "vm", "datacenter": "dc1"},
		BMC:    inventory.BMC{Type: "IPMI-2.0"},
	}}
	var used []inventory.Machine
	for i := uint(4); i < index; i++ {
		used = append(used, inventory.Machine{Spec: inventory.Spec{Rack: rack, IndexInRack: i}})
	}
	if err := plan.Assign(&m, used); err != nil {
		t.Fatal(err)
	}
	return m
}

// upload returns the template of a role as it is sent to sabakan.
func upload(t *testing.T, role string, meta map[string]any) render.Upload {
	t.Helper()
	template, err := sabakan.LoadIgnition(filepath.Join(root, "ignitions/roles", role, "site.yml"))
	if err != nil {
		t.Fatal(err)
	}
	template.Meta = meta
	body, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > 2<<20 {
		t.Errorf("%d bytes are more than sabakan takes", len(body))
	}
	u, err := render.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// rendered returns the Ignition configuration of a machine.
func rendered(t *testing.T, m inventory.Machine, meta map[string]any) []byte {
	t.Helper()
	return renderedBy(t, myURL, m, meta)
}

// renderedBy is rendered with another URL of sabakan.
func renderedBy(t *testing.T, url string, m inventory.Machine, meta map[string]any) []byte {
	t.Helper()
	out, err := upload(t, m.Spec.Role, meta).Render(url, m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
