package reboot

import (
	"net/netip"
	"slices"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// The roles of machines that are treated in a way of their own.
const (
	roleBoot    = "boot"
	roleStorage = "ss"
)

// Plan is how many machines are restarted.
type Plan struct {
	// Entries are nodes of Kubernetes for CKE's reboot queue. Those of an entry are restarted
	// together: at most one with role ss, and at most one other.
	Entries [][]sabakan.Machine
	// Queued are nodes that are in the queue already.
	Queued []sabakan.Machine
	// Direct are machines that are not nodes of Kubernetes. They are restarted at once.
	Direct []sabakan.Machine
}

// NewPlan plans the restart of machines, except boot servers. nodes are the nodes of Kubernetes by
// address, with true for those of the control plane, of which an entry may have one. queued are the
// addresses of those that are in CKE's reboot queue.
func NewPlan(machines []sabakan.Machine, nodes map[netip.Addr]bool, queued []netip.Addr) Plan {
	var p Plan
	var storage, others []sabakan.Machine
	for _, m := range machines {
		if m.Spec.Role == roleBoot {
			continue
		}
		_, isNode := nodes[Address(m)]
		switch {
		case !isNode:
			p.Direct = append(p.Direct, m)
		case slices.Contains(queued, Address(m)):
			p.Queued = append(p.Queued, m)
		case m.Spec.Role == roleStorage:
			storage = append(storage, m)
		default:
			others = append(others, m)
		}
	}
	for len(storage)+len(others) > 0 {
		var entry []sabakan.Machine
		if len(others) > 0 {
			entry, others = append(entry, others[0]), others[1:]
		}
		if len(storage) > 0 && !(len(entry) > 0 && nodes[Address(entry[0])] && nodes[Address(storage[0])]) {
			entry, storage = append(entry, storage[0]), storage[1:]
		}
		p.Entries = append(p.Entries, entry)
	}
	return p
}

// Address returns the address with which a machine is a node of Kubernetes, or the zero value.
func Address(m sabakan.Machine) netip.Addr {
	if len(m.Spec.IPv4) == 0 {
		return netip.Addr{}
	}
	return m.Spec.IPv4[0]
}
