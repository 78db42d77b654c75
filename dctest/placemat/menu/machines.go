package menu

import (
	"fmt"
	"net/netip"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// sabakanMachine is a machine in the format of sabakan (POST machines). It has no
// address: sabakan gives each machine an index when it is registered, and derives the
// addresses from that index.
type sabakanMachine struct {
	Serial string            `json:"serial"`
	Labels map[string]string `json:"labels"`
	Rack   int               `json:"rack"`
	Role   string            `json:"role"`
	BMC    sabakanBMC        `json:"bmc"`
}

type sabakanBMC struct {
	Type string `json:"type"`
}

// machines is the content of machines.yml: all servers with their addresses, for readers
// and tests of the data centre.
type machines struct {
	Machines []machine `json:"machines"`
}

type machine struct {
	Name    string     `json:"name"`
	Serial  string     `json:"serial"`
	Role    string     `json:"role"`
	Rack    int        `json:"rack"`
	Index   int        `json:"index-in-rack"`
	Node0   netip.Addr `json:"node0"`
	Node1   netip.Addr `json:"node1"`
	Node2   netip.Addr `json:"node2"`
	Bastion netip.Addr `json:"bastion,omitzero"`
	BMC     netip.Addr `json:"bmc"`
}

func (m *Menu) machineFiles(files map[string][]byte, c *cluster.Cluster) error {
	all, registered := machines{}, []sabakanMachine{}
	for _, n := range c.Of(cluster.Boot, cluster.CS, cluster.SS) {
		all.Machines = append(all.Machines, m.machine(n))
		registered = append(registered, sabakanMachine{
			Serial: n.Server.Serial, Rack: *n.Rack, Role: string(n.Kind), BMC: sabakanBMC{"IPMI-2.0"},
			Labels: map[string]string{"product": "vm", "machine-type": "qemu", "datacenter": "dc1"},
		})
	}
	for _, f := range []struct {
		name    string
		content any
		marshal func(any) ([]byte, error)
	}{
		{machinesFile, all, yaml.Marshal},
		{sabakanMachinesFile, registered, marshalJSON},
		{sabakanIPAMFile, m.IPAM, marshalJSON},
	} {
		data, err := f.marshal(f.content)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		files[f.name] = data
	}
	return nil
}

func (m *Menu) machine(n cluster.Node) machine {
	rack, index := *n.Rack, n.Server.Index
	found := machine{
		Name: n.Name, Serial: n.Server.Serial, Role: string(n.Kind), Rack: rack, Index: index,
		Node0: m.IPAM.node(rack, index, 0).Addr(),
		Node1: m.IPAM.node(rack, index, 1).Addr(),
		Node2: m.IPAM.node(rack, index, 2).Addr(),
		BMC:   n.Server.BMC,
	}
	if n.Kind == cluster.Boot {
		found.Bastion = m.bastion(rack).Addr()
	}
	return found
}
