package fleet

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// versionTag is the tag of a serf member with the version of Neco with which it has booted.
	versionTag = "version"
	// versionKey is the key of the same in the metadata of ignition templates.
	versionKey = "version"
)

// Node is a machine of sabakan as operators see it.
type Node struct {
	Serial  string     `json:"serial"`
	Role    string     `json:"role"`
	Rack    int        `json:"rack"`
	Address netip.Addr `json:"address,omitzero"`
	// State is the state in sabakan, and Since when it began.
	State sabakan.State `json:"state"`
	Since time.Time     `json:"since"`
	// Next is the state that the machine will get if nothing changes, and Bad since when it is
	// observed to be in it.
	Next sabakan.State `json:"next,omitempty"`
	Bad  *time.Time    `json:"bad_since,omitempty"`
	// Reason is why the machine is not as it should be, or "".
	Reason string `json:"reason,omitempty"`
	// Version is the version of Neco with which the machine has booted, or "" if serf does not tell,
	// and Newest the one with which it would boot now.
	Version string `json:"version,omitempty"`
	Newest  string `json:"newest_version,omitempty"`
	// Behind reports whether they differ.
	Behind bool `json:"behind"`
}

// Overview is what operators see of all machines.
type Overview struct {
	// Nodes are in the order of racks and serial numbers.
	Nodes []Node `json:"nodes"`
	// Held are the reasons for which machines neither change nor retire.
	Held []string `json:"held,omitempty"`
	// SerfError is why the versions of machines are missing, or "".
	SerfError string `json:"serf_error,omitempty"`
}

// Overview returns all machines of sabakan with what the last round of a leader has left in f. It
// blocks until sabakan and serf have answered or ctx ends. An error means that sabakan does not
// answer, or is a [storage.MalformedKey].
func (o Observer) Overview(ctx context.Context, f storage.Fleet) (Overview, error) {
	memory, err := Recall(f)
	if err != nil {
		return Overview{}, err
	}
	var report statesetter.Report
	if err := f.Decode(storage.FleetReport, &report); err != nil {
		return Overview{}, err
	}
	machines, err := o.Sabakan.Search(ctx, sabakan.Params{}, nil)
	if err != nil {
		return Overview{}, err
	}
	newest, err := o.newest(ctx, machines)
	if err != nil {
		return Overview{}, err
	}
	all := Overview{Nodes: []Node{}, Held: report.Held}
	members, err := o.Members(ctx)
	if err != nil {
		all.SerfError = err.Error()
	}
	reasons := report.BySerial()
	for _, m := range machines {
		n := Node{
			Serial: m.Spec.Serial, Role: m.Spec.Role, Rack: m.Spec.Rack, State: m.Status.State, Since: m.Status.Since,
			Reason: reasons[m.Spec.Serial], Newest: newest[m.Spec.Role],
		}
		if len(m.Spec.IPv4) > 0 {
			n.Address = m.Spec.IPv4[0]
			n.Version = statesetter.Tag(members[n.Address], versionTag)
		}
		if s, ok := memory.Bad[n.Serial]; ok && s.State != n.State { // else it has just got that state
			n.Next, n.Bad = s.State, &s.At
		}
		n.Behind = n.Version != "" && n.Newest != "" && n.Version != n.Newest
		all.Nodes = append(all.Nodes, n)
	}
	slices.SortFunc(all.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Rack, b.Rack), cmp.Compare(a.Serial, b.Serial))
	})
	return all, nil
}

// newest returns the version of Neco with which machines would boot now, by role. A role without
// ignition templates, such as that of boot servers, has none.
func (o Observer) newest(ctx context.Context, machines []sabakan.Machine) (map[string]string, error) {
	all := map[string]string{}
	for _, m := range machines {
		role := m.Spec.Role
		if _, ok := all[role]; ok {
			continue
		}
		all[role] = ""
		ids, err := o.Sabakan.Ignitions(ctx, role)
		if err != nil {
			return nil, err
		}
		if len(ids) == 0 {
			continue
		}
		t, err := o.Sabakan.Ignition(ctx, role, ids[len(ids)-1])
		if err != nil {
			return nil, err
		}
		if v, ok := t.Meta[versionKey]; ok {
			all[role] = fmt.Sprint(v)
		}
	}
	return all, nil
}
