package statesetter_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

var valve = statesetter.Valve{Rack: statesetter.Limit{Machines: 2, Percent: 10}, Fleet: statesetter.Limit{Machines: 4, Percent: 10}, Interval: 10 * time.Minute}

// fleet is judged machines, ten in each rack.
type fleet []statesetter.Judgement

// newFleet returns good machines in racks from 0.
func newFleet(racks int) (f fleet) {
	for rack := range racks {
		for i := range 10 {
			f = append(f, statesetter.Judgement{
				Machine:     machine(fmt.Sprintf("%d-%d", rack, i), "plain", rack, sabakan.Healthy),
				Observation: statesetter.Observation{Members: []statesetter.Member{member("alive", "")}},
				Verdict:     statesetter.Verdict{State: sabakan.Healthy},
			})
		}
	}
	return f
}

// lose makes n machines of a rack unreachable, and returns the changes.
func (f fleet) lose(rack, n int) (changes []statesetter.Change) {
	for i := range f {
		j := &f[i]
		if j.Machine.Spec.Rack == rack && len(changes) < n {
			j.Observation.Members = nil
			j.Verdict = statesetter.Verdict{State: sabakan.Unreachable}
			changes = append(changes, statesetter.Change{Serial: j.Machine.Spec.Serial, Rack: rack, From: sabakan.Healthy, To: sabakan.Unreachable})
		}
	}
	return changes
}

func TestTheValve(t *testing.T) {
	back := statesetter.Change{Serial: "0-9", From: sabakan.Unhealthy, To: sabakan.Healthy}
	for title, tt := range map[string]struct {
		lost   map[int]int // machines by rack
		recent []statesetter.Recent
		passed []int // racks whose changes pass
		closed []string
	}{
		"within the limits":          {map[int]int{0: 2, 1: 2}, nil, []int{0, 1}, nil},
		"too many in a rack":         {map[int]int{0: 3, 1: 1}, nil, []int{1}, []string{"rack 0: 3 of 10 would become unhealthy or unreachable within 10m0s, more than 2"}},
		"too many in all racks":      {map[int]int{0: 2, 1: 2, 2: 1}, nil, nil, []string{"all machines: 5 of 40 would become unhealthy or unreachable within 10m0s, more than 4"}},
		"with those of before":       {map[int]int{0: 1}, recent(0, now.Add(-time.Minute), "0-7", "0-8"), nil, []string{"rack 0: 3 of 10 would become unhealthy or unreachable within 10m0s, more than 2"}},
		"with the same of before":    {map[int]int{0: 2}, recent(0, now.Add(-time.Minute), "0-0", "0-1"), []int{0}, nil},
		"long ago":                   {map[int]int{0: 2}, recent(0, now.Add(-10*time.Minute), "0-7", "0-8"), []int{0}, nil},
		"in a rack that has left":    {map[int]int{0: 1}, recent(9, now, "9-0"), []int{0}, nil},
		"serf is lost":               {map[int]int{0: 10, 1: 10, 2: 10, 3: 10}, nil, nil, []string{"all machines: serf knows no living member of 40; serf or its network has failed"}},
		"a rack and another machine": {map[int]int{0: 10, 1: 1}, nil, nil, []string{"all machines: 11 of 40 would become unhealthy or unreachable within 10m0s, more than 4"}},
	} {
		f := newFleet(4)
		changes := []statesetter.Change{back}
		want := statesetter.Passed{Changes: []statesetter.Change{back}, Closed: tt.closed}
		for rack := range 4 {
			lost := f.lose(rack, tt.lost[rack])
			changes = append(changes, lost...)
			if slices.Contains(tt.passed, rack) {
				want.Changes = append(want.Changes, lost...)
			} else {
				want.Retained = append(want.Retained, lost...)
			}
		}
		if diff := cmp.Diff(want, valve.Pass(now, f, tt.recent, changes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
	}
}

// recent returns changes of machines in a rack.
func recent(rack int, at time.Time, serials ...string) (all []statesetter.Recent) {
	for _, s := range serials {
		all = append(all, statesetter.Recent{Serial: s, Rack: rack, At: at})
	}
	return all
}

// TestALostRackIsNotManyBrokenMachines has limits that a rack does not exceed.
func TestALostRackIsNotManyBrokenMachines(t *testing.T) {
	wide := statesetter.Valve{Rack: statesetter.Limit{Percent: 100}, Fleet: statesetter.Limit{Percent: 100}, Interval: time.Hour}
	f := newFleet(4)
	changes := append(f.lose(0, 10), f.lose(1, 9)...)
	got := wide.Pass(now, f, nil, changes)
	want := statesetter.Passed{
		Changes: changes[10:], Retained: changes[:10],
		Closed: []string{"rack 0: all of its 10 machines are unreachable; the rack or its network has failed"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLostMetricsAreNotManyBrokenMachines(t *testing.T) {
	wide := statesetter.Valve{Rack: statesetter.Limit{Percent: 100}, Fleet: statesetter.Limit{Percent: 100}, Interval: time.Hour}
	f := newFleet(2)
	var changes []statesetter.Change
	for i := range f {
		f[i].Observation.NoMetrics = "no route to host"
		changes = append(changes, statesetter.Change{Serial: f[i].Machine.Spec.Serial, Rack: f[i].Machine.Spec.Rack, To: sabakan.Unhealthy})
	}
	got := wide.Pass(now, f, nil, changes)
	if want := []string{"all machines: the metrics of none of 20 are read; the way to them has failed"}; len(got.Changes) > 0 || !slices.Equal(got.Closed, want) {
		t.Errorf("%d changes, closed %q", len(got.Changes), got.Closed)
	}
	f[0].Observation.NoMetrics = "" // its type has no metrics
	if got := wide.Pass(now, f, nil, changes); len(got.Changes) > 0 {
		t.Errorf("beside a machine without metrics, %d changes pass", len(got.Changes))
	}
	f[0].Observation.Samples = map[string][]statesetter.Sample{"cpu": {{}}}
	if got := wide.Pass(now, f, nil, changes); len(got.Changes) != len(changes) {
		t.Errorf("%d of %d changes pass, closed %q", len(got.Changes), len(changes), got.Closed)
	}
}

// TestTheValveNeverPassesMoreThanItsLimits draws faults and cycles.
func TestTheValveNeverPassesMoreThanItsLimits(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var made []statesetter.Recent
		for cycle := range 20 {
			at := now.Add(time.Duration(cycle) * time.Minute)
			f := newFleet(4)
			var changes []statesetter.Change
			for rack := range 4 {
				n := r.IntN(3)
				if r.IntN(5) == 0 {
					n = 10 // the whole rack
				}
				changes = append(changes, f.lose(rack, n)...)
			}
			passed := valve.Pass(at, f, made, changes)
			if len(passed.Changes)+len(passed.Retained) != len(changes) || len(passed.Retained) > 0 && len(passed.Closed) == 0 {
				t.Fatalf("seed %d: %d changes pass and %d do not, of %d; reasons %q", seed, len(passed.Changes), len(passed.Retained), len(changes), passed.Closed)
			}
			for _, c := range passed.Changes {
				made = append(made, statesetter.Recent{Serial: c.Serial, Rack: c.Rack, At: at})
			}
			within, racks := map[string]bool{}, map[int]map[string]bool{}
			for _, m := range made {
				if at.Sub(m.At) >= valve.Interval {
					continue
				}
				if racks[m.Rack] == nil {
					racks[m.Rack] = map[string]bool{}
				}
				within[m.Serial], racks[m.Rack][m.Serial] = true, true
			}
			if len(within) > 4 {
				t.Fatalf("seed %d, cycle %d: %d machines within the interval", seed, cycle, len(within))
			}
			for rack, serials := range racks {
				if len(serials) > 2 {
					t.Fatalf("seed %d, cycle %d: %d machines of rack %d within the interval", seed, cycle, len(serials), rack)
				}
			}
		}
	}
}
