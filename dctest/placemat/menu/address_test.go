package menu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// assigned returns as text the AS number of a node and its interfaces with their
// addresses.
func assigned(c *cluster.Cluster, name string) map[string]string {
	n, _ := c.Node(name)
	found := map[string]string{}
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			found[i.Name] += a.String() + " "
		}
	}
	return found
}

func TestNodesHaveTheseAddresses(t *testing.T) {
	m, err := Load("testdata/menu.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Cluster()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]map[string]string{
		"internet":  {"eth0": "10.0.0.1/24 "},
		"external":  {"eth0": "10.0.3.2/24 "},
		"operation": {"eth0": "10.0.4.2/24 "},
		"core": {
			"eth0": "10.0.0.2/24 ", "eth1": "10.0.2.0/31 ", "eth2": "10.0.2.2/31 ", "eth3": "10.0.3.1/24 ", "eth4": "10.0.4.1/24 ",
			"proxy": "10.0.49.3/32 ", "ntp": "10.0.50.1/32 10.0.50.2/32 10.0.50.3/32 ",
		},
		"spine2":     {"eth0": "10.0.2.3/31 ", "eth1": "10.0.1.8/31 ", "eth2": "10.0.1.10/31 ", "eth3": "10.0.1.12/31 ", "eth4": "10.0.1.14/31 "},
		"rack1-tor2": {"eth0": "10.0.1.7/31 ", "eth1": "10.0.1.15/31 ", "eth2": "10.69.1.65/26 "},
		"boot-1":     {"eth0": "10.69.1.3/26 ", "eth1": "10.69.1.67/26 ", "node0": "10.69.0.195/32 ", "bastion": "10.72.48.1/32 "},
		"rack0-cs2":  {"eth0": "10.69.0.69/26 ", "eth1": "10.69.0.133/26 ", "node0": "10.69.0.5/32 "},
		"rack0-ss1":  {"eth0": "10.69.0.70/26 ", "eth1": "10.69.0.134/26 ", "node0": "10.69.0.6/32 "},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(want, assigned(c, name)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for lrn := range 5 {
		if got, want := m.IPAM.node(lrn, bootIndex, 0).Addr().String(), neco.BootNode0IP(lrn).String(); got != want {
			t.Errorf("boot server %d: %s, the programs on it expect %s", lrn, got, want)
		}
	}
	boot, _ := c.Node("boot-1")
	if got := boot.Server.BMC.String(); got != "10.72.17.35" {
		t.Errorf("BMC of boot-1: %s", got)
	}
}

func TestNodesAreInTheseASes(t *testing.T) {
	m, err := Load("testdata/menu.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Cluster()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint32{}
	for _, n := range c.Nodes {
		got[n.Name] = n.ASN
	}
	want := map[string]uint32{
		"internet": 0, "operation": 0, "core": 64597, "external": 64598, "spine1": 64599, "spine2": 64599,
		"rack0-tor1": 64600, "rack0-tor2": 64600, "boot-0": 64600, "rack0-cs1": 64600, "rack0-cs2": 64600, "rack0-ss1": 64600,
		"rack1-tor1": 64601, "rack1-tor2": 64601, "boot-1": 64601,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
