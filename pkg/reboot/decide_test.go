package reboot_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// four are a plan for the machines 0 to 3, nodes of Kubernetes in the racks 0 and 1, that have
// booted on monday, and what is seen of them.
func four(b reboot.Budget) (reboot.Rolling, reboot.View) {
	r := reboot.Rolling{StartedAt: noon, Budget: b}
	v := reboot.View{Now: noon, Nodes: map[netip.Addr]bool{}, Queue: map[netip.Addr]bool{}, Members: map[string][]statesetter.Member{}}
	for i, m := range fleetOf("cs", "cs", "cs", "cs") {
		m.Spec.Rack, m.Status.State = i/2, sabakan.Healthy
		r.Targets = append(r.Targets, reboot.Target{Serial: m.Spec.Serial, Rack: m.Spec.Rack, Boots: []string{monday}})
		v.Machines = append(v.Machines, m)
		v.Nodes[address(i)] = false
		v.Members[m.Spec.Serial] = alive(monday, "")
	}
	return r, v
}

func alive(boot, failed string) []statesetter.Member {
	return []statesetter.Member{{Status: "alive", Tags: map[string]string{"uptime": boot, statesetter.FailedUnitsTag: failed}}}
}

// words returns a step as text.
func words(s reboot.Step) string {
	text := text(reboot.Plan{Entries: s.Entries, Direct: s.Direct})
	text = strings.Replace(text, " queued ", "", 1)
	text += fmt.Sprintf(" done %v left %d unavailable %d", s.Progress.Done, s.Left, s.Unavailable)
	for _, f := range s.Failed {
		text += fmt.Sprintf(" failed %s: %v", f.Serial, f.Err)
	}
	for _, f := range s.Skipped {
		text += fmt.Sprintf(" skipped %s: %v", f.Serial, f.Err)
	}
	if !s.Opens.IsZero() {
		text += " opens " + s.Opens.Format(time.TimeOnly)
	}
	if s.Ended {
		text += " ended"
	}
	return text
}

func TestTheNextRestarts(t *testing.T) {
	night, err := reboot.ParseWindow("22:00-05:00")
	if err != nil {
		t.Fatal(err)
	}
	gone := reboot.Out{Machine: 0, Tried: noon.Add(-2 * time.Hour), Sure: true, Since: noon.Add(-time.Hour)}
	for title, tt := range map[string]struct {
		budget reboot.Budget
		p      reboot.Progress
		seen   func(*reboot.Rolling, *reboot.View)
		want   string
	}{
		"no limit":     {want: "0,1,2,3 direct  done [] left 0 unavailable 4"},
		"of each rack": {budget: reboot.Budget{PerRack: 1}, want: "0,2 direct  done [] left 2 unavailable 2"},
		"of the fleet": {budget: reboot.Budget{Unavailable: 3}, want: "0,1,2 direct  done [] left 1 unavailable 3"},
		"others are unhealthy": {budget: reboot.Budget{Unavailable: 2}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Machines[3].Status.State, v.Machines[2].Status.State = sabakan.Unreachable, sabakan.Unhealthy
		}, want: "2,3 direct  done [] left 2 unavailable 2"},
		"others are queued": {budget: reboot.Budget{PerRack: 1}, seen: func(r *reboot.Rolling, v *reboot.View) {
			r.Targets = r.Targets[1:]
			v.Queue[address(0)] = true
		}, want: "2 direct  done [] left 2 unavailable 2"},
		"outside of the window": {budget: reboot.Budget{Window: night}, want: " direct  done [] left 4 unavailable 0 opens 22:00:00"},
		"restarted by others": {budget: reboot.Budget{PerRack: 1}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Members["0"] = alive(tuesday, "")
		}, want: "1,2 direct  done [0] left 1 unavailable 2"},
		"not wanted any more": {seen: func(r *reboot.Rolling, v *reboot.View) {
			r.Targets[0].Direct = true
			delete(v.Nodes, address(1))
			v.Machines[2].Status.State = sabakan.Retiring
			v.Machines = v.Machines[:3]
		}, want: " direct  done [] left 0 unavailable 0 skipped 0: it is a node of Kubernetes now skipped 1: it is not a node of Kubernetes any more" +
			" skipped 2: it is retiring skipped 3: it is not in sabakan any more ended"},
		"by its BMC": {budget: reboot.Budget{PerRack: 1}, seen: func(r *reboot.Rolling, v *reboot.View) {
			r.Targets[0].Direct = true
			delete(v.Nodes, address(0))
		}, want: "2 direct 0 done [] left 2 unavailable 2"},
		"back": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{gone}}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Members["0"] = alive(tuesday, "")
		}, want: "1 direct  done [0] left 2 unavailable 1"},
		"back, and still in the queue": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{gone}}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Members["0"] = alive(tuesday, "")
			v.Queue[address(0)] = true
		}, want: " direct  done [] left 3 unavailable 1"},
		"back with a failed unit": {budget: reboot.Budget{PerRack: 1}, p: reboot.Progress{Out: []reboot.Out{gone}}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Members["0"] = alive(tuesday, "x.service")
		}, want: "2 direct  done [] left 2 unavailable 2 failed 0: it has booted, and units have failed: x.service"},
		"stopped by a failure": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{gone}}, seen: func(_ *reboot.Rolling, v *reboot.View) {
			v.Members["0"] = nil
		}, want: " direct  done [] left 3 unavailable 1 failed 0: serf has 0 living members with its serial number ended"},
		"cancelled in the queue": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{gone}},
			want: ` direct  done [] left 3 unavailable 1 failed 0: it has not booted: serf has the tag uptime "2026-11-30 10:00:00" as before ended`},
		"a request that was lost": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{{Machine: 0, Tried: noon.Add(-time.Hour)}}},
			want: "0 direct  done [] left 3 unavailable 1"},
		"a request that may be under way": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Out: []reboot.Out{{Machine: 0, Tried: noon.Add(-time.Minute)}}},
			want: " direct  done [] left 3 unavailable 1"},
		"lost again and again": {budget: reboot.Budget{Unavailable: 1}, p: reboot.Progress{Lost: map[int]int{0: 2}, Out: []reboot.Out{{Machine: 0, Tried: noon.Add(-time.Hour)}}},
			want: "1 direct  done [] left 2 unavailable 1"},
		"all done": {p: reboot.Progress{Done: []int{0, 1, 2, 3}}, want: " direct  done [0 1 2 3] left 0 unavailable 0 ended"},
	} {
		r, v := four(tt.budget)
		if tt.seen != nil {
			tt.seen(&r, &v)
		}
		s := r.Next(tt.p, v)
		if got := words(s); got != tt.want {
			t.Errorf("%s:\n%s, want\n%s", title, got, tt.want)
		}
		if !r.Valid(s.Progress) {
			t.Errorf("%s: %+v", title, s.Progress)
		}
	}
}

func TestAnEstimateHasTheRoundsOfTheBudget(t *testing.T) {
	night, err := reboot.ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		budget reboot.Budget
		p      reboot.Progress
		want   reboot.Estimate
	}{
		{reboot.Budget{}, reboot.Progress{}, reboot.Estimate{Machines: 4, Rounds: 1, Entries: 3, Each: 10 * time.Minute, Total: 30 * time.Minute}},
		{reboot.Budget{PerRack: 1}, reboot.Progress{}, reboot.Estimate{Machines: 4, Rounds: 2, Entries: 3, Each: 10 * time.Minute, Total: 30 * time.Minute}},
		{reboot.Budget{Unavailable: 1}, reboot.Progress{}, reboot.Estimate{Machines: 4, Rounds: 4, Entries: 3, Each: 10 * time.Minute, Total: 40 * time.Minute}},
		{reboot.Budget{PerRack: 1, Unavailable: 3}, reboot.Progress{}, reboot.Estimate{Machines: 4, Rounds: 2, Entries: 3, Each: 10 * time.Minute, Total: 30 * time.Minute}},
		{reboot.Budget{Unavailable: 1, Window: night}, reboot.Progress{Done: []int{0}, Out: []reboot.Out{{Machine: 3}}, Measured: 2, Took: time.Hour},
			reboot.Estimate{Machines: 3, Rounds: 3, Entries: 3, Each: 30 * time.Minute, Measured: 2, Total: 90 * time.Minute, Days: 2}},
	} {
		r, _ := four(tt.budget)
		if got := r.Estimate(tt.p, 1, 3); got != tt.want {
			t.Errorf("%+v: %+v, want %+v", tt.budget, got, tt.want)
		}
	}
}
