package reboot_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// fleetOf returns machines with these roles, called after their position, with addresses
// 10.0.0.POSITION.
func fleetOf(roles ...string) []sabakan.Machine {
	var all []sabakan.Machine
	for i, role := range roles {
		all = append(all, sabakan.Machine{Spec: sabakan.Spec{Serial: fmt.Sprint(i), Role: role, IPv4: []netip.Addr{address(i)}}})
	}
	return all
}

func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

// text returns a plan as one line.
func text(p reboot.Plan) string {
	names := func(all []sabakan.Machine) string {
		var serials []string
		for _, m := range all {
			serials = append(serials, m.Spec.Serial)
		}
		return strings.Join(serials, "+")
	}
	var entries []string
	for _, e := range p.Entries {
		entries = append(entries, names(e))
	}
	return fmt.Sprintf("%s queued %s direct %s", strings.Join(entries, ","), names(p.Queued), names(p.Direct))
}

func TestAnEntryHasOneStorageServerAndOneOther(t *testing.T) {
	worker, plane := false, true
	for title, tt := range map[string]struct {
		roles  string
		nodes  map[int]bool
		queued []int
		want   string
	}{
		"none":                 {"", nil, nil, " queued  direct "},
		"pairs":                {"cs ss cs ss", map[int]bool{0: worker, 1: worker, 2: worker, 3: worker}, nil, "0+1,2+3 queued  direct "},
		"many of one role":     {"cs cs cs ss", map[int]bool{0: worker, 1: worker, 2: plane, 3: worker}, nil, "0+3,1,2 queued  direct "},
		"only storage":         {"ss ss", map[int]bool{0: worker, 1: worker}, nil, "0,1 queued  direct "},
		"two of the plane":     {"cs ss cs", map[int]bool{0: plane, 1: plane, 2: worker}, nil, "0,2+1 queued  direct "},
		"boot servers are out": {"boot cs boot", map[int]bool{0: plane, 1: worker}, nil, "1 queued  direct "},
		"not in Kubernetes":    {"cs ss cs", map[int]bool{1: worker}, nil, "1 queued  direct 0+2"},
		"queued already":       {"cs ss cs", map[int]bool{0: worker, 1: worker, 2: worker}, []int{0, 7}, "2+1 queued 0 direct "},
	} {
		nodes := map[netip.Addr]bool{}
		for i, plane := range tt.nodes {
			nodes[address(i)] = plane
		}
		var queued []netip.Addr
		for _, i := range tt.queued {
			queued = append(queued, address(i))
		}
		if got := text(reboot.NewPlan(fleetOf(strings.Fields(tt.roles)...), nodes, queued)); got != tt.want {
			t.Errorf("%s: %s, want %s", title, got, tt.want)
		}
	}
	if p := reboot.NewPlan([]sabakan.Machine{{Spec: sabakan.Spec{Serial: "x", Role: "cs"}}}, map[netip.Addr]bool{}, nil); text(p) != " queued  direct x" {
		t.Errorf("a machine without an address: %s", text(p))
	}
}
