package statesetter_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

var (
	valve = statesetter.Valve{Rack: statesetter.Limit{Machines: 2, Percent: 10}, Fleet: statesetter.Limit{Machines: 4, Percent: 10}, Interval: 10 * time.Minute, Hold: 5 * time.Minute}
	wide  = statesetter.Valve{Rack: statesetter.Limit{Percent: 100}, Fleet: statesetter.Limit{Percent: 100}, Interval: time.Hour}
)

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

// lose makes the first n machines of a rack unreachable.
func (f fleet) lose(rack, n int) {
	for i := range f {
		if j := &f[i]; j.Machine.Spec.Rack == rack && n > 0 {
			j.Observation.Members = nil
			j.Verdict = statesetter.Verdict{State: sabakan.Unreachable}
			n--
		}
	}
}

// confirmed returns the memory of a round one interval before at that has seen the same as f.
func (f fleet) confirmed(at time.Time) statesetter.Memory {
	m := statesetter.Memory{At: at.Add(-interval), Bad: map[string]statesetter.Since{}}
	for _, j := range f {
		if j.Verdict.State != j.Machine.Status.State {
			m.Bad[j.Machine.Spec.Serial] = statesetter.Since{State: j.Verdict.State, At: at.Add(-interval)}
		}
	}
	return m
}

// texts returns the reasons and how many changes each holds back.
func texts(all []statesetter.Closing) (texts []string) {
	for _, c := range all {
		texts = append(texts, fmt.Sprintf("%d: %s", len(c.Held), c.Text))
	}
	return texts
}

func TestTheValve(t *testing.T) {
	const failed = "that were working; serf, the network or the power has failed"
	for title, tt := range map[string]struct {
		lost   map[int]int // machines by rack
		worse  map[string]statesetter.Made
		closed map[string]time.Time
		passed int
		held   []string
	}{
		"within the limits":       {map[int]int{0: 2, 1: 2}, nil, nil, 4, nil},
		"too many in a rack":      {map[int]int{0: 3, 1: 1}, nil, nil, 1, []string{"3: rack 0: 3 of 10 would become unhealthy or unreachable within 10m0s, more than 2"}},
		"too many in all racks":   {map[int]int{0: 2, 1: 2, 2: 1}, nil, nil, 0, []string{"5: all machines: 5 of 40 would become unhealthy or unreachable within 10m0s, more than 4"}},
		"with those of before":    {map[int]int{0: 1}, made(0, now.Add(-time.Minute), "0-7", "0-8"), nil, 0, []string{"1: rack 0: 3 of 10 would become unhealthy or unreachable within 10m0s, more than 2"}},
		"with the same of before": {map[int]int{0: 2}, made(0, now.Add(-time.Minute), "0-0", "0-1"), nil, 2, nil},
		"long ago":                {map[int]int{0: 2}, made(0, now.Add(-10*time.Minute), "0-7", "0-8"), nil, 2, nil},
		"in a rack that has left": {map[int]int{0: 1}, made(9, now, "9-0"), nil, 1, nil},
		"a rack":                  {map[int]int{0: 10, 1: 1}, nil, nil, 1, []string{"10: rack 0: serf reaches 0 of 10 " + failed}},
		"most of a rack":          {map[int]int{0: 6}, nil, nil, 0, []string{"6: rack 0: serf reaches 4 of 10 " + failed}},
		"two racks of four":       {map[int]int{0: 10, 1: 10}, nil, nil, 0, []string{"10: rack 0: serf reaches 0 of 10 " + failed, "10: rack 1: serf reaches 0 of 10 " + failed}},
		"serf":                    {map[int]int{0: 10, 1: 10, 2: 10, 3: 9}, nil, nil, 0, []string{"39: all machines: serf reaches 1 of 40 " + failed}},
		"a rack that comes back": {map[int]int{0: 1, 1: 1}, nil, map[string]time.Time{"rack 0": now.Add(-time.Minute)}, 1,
			[]string{"1: rack 0: too many were broken until 2026-11-30T11:59:00Z; changes are held back for 5m0s after that"}},
		"a rack that is back": {map[int]int{0: 1}, nil, map[string]time.Time{"rack 0": now.Add(-5 * time.Minute)}, 1, nil},
		"a fleet that comes back": {map[int]int{0: 1}, nil, map[string]time.Time{"all machines": now.Add(-time.Minute)}, 0,
			[]string{"1: all machines: too many were broken until 2026-11-30T11:59:00Z; changes are held back for 5m0s after that"}},
	} {
		f := newFleet(4)
		for rack, n := range tt.lost {
			f.lose(rack, n)
		}
		before := f.confirmed(now)
		before.Worse, before.Closed = tt.worse, tt.closed
		outcome, after := statesetter.Config{}.Round(now, interval, valve, f, before)
		if got := texts(outcome.Closings); len(outcome.Changes) != tt.passed || !slices.Equal(got, tt.held) {
			t.Errorf("%s: %d changes pass, want %d; held %q, want %q", title, len(outcome.Changes), tt.passed, got, tt.held)
		}
		for _, c := range outcome.Changes {
			if after.Worse[c.Serial] != (statesetter.Made{Rack: c.Rack, At: now}) {
				t.Errorf("%s: %s is not remembered: %+v", title, c.Serial, after)
			}
		}
		if outcome.Blind != (title == "serf") {
			t.Errorf("%s: blind %t", title, outcome.Blind)
		}
	}
}

// made returns changes of machines in a rack.
func made(rack int, at time.Time, serials ...string) map[string]statesetter.Made {
	all := map[string]statesetter.Made{}
	for _, s := range serials {
		all[s] = statesetter.Made{Rack: rack, At: at}
	}
	return all
}

// TestPercentagesAreOfMachinesThatWork: others cannot become worse.
func TestPercentagesAreOfMachinesThatWork(t *testing.T) {
	half := statesetter.Valve{Rack: statesetter.Limit{Percent: 50}, Fleet: statesetter.Limit{Percent: 50}, Interval: time.Hour}
	f := newFleet(1)
	for i := 4; i < 10; i++ {
		f[i].Machine.Status.State = sabakan.Uninitialized
		f[i].Verdict.State = ""
	}
	for i := range 3 {
		f[i].Verdict.State = sabakan.Unhealthy
	}
	outcome, _ := statesetter.Config{}.Round(now, interval, half, f, func() statesetter.Memory {
		m := f.confirmed(now)
		for serial := range m.Bad {
			m.Bad[serial] = statesetter.Since{State: sabakan.Unhealthy, At: now.Add(-2 * time.Hour)}
		}
		return m
	}())
	if got := texts(outcome.Closings); !slices.Equal(got, []string{"3: rack 0: 3 of 4 would become unhealthy or unreachable within 1h0m0s, more than 2"}) {
		t.Errorf("held %q", got)
	}
}

func TestLostMetricsAreNotManyBrokenMachines(t *testing.T) {
	f := newFleet(2)
	before := f.confirmed(now)
	for i := range f {
		f[i].Observation.Asked, f[i].Observation.NoMetrics = true, "no route to host"
		f[i].Verdict.State = sabakan.Unhealthy
		before.Bad[f[i].Machine.Spec.Serial] = statesetter.Since{State: sabakan.Unhealthy, At: now.Add(-2 * time.Hour)}
	}
	f[0].Observation = newFleet(1)[0].Observation // its type has no metrics
	outcome, _ := statesetter.Config{}.Round(now, interval, wide, f, before)
	if got := texts(outcome.Closings); !slices.Equal(got, []string{"20: all machines: the metrics of 0 of 19 are read; the way to them has failed"}) || len(outcome.Changes) > 0 {
		t.Errorf("%d changes, held %q", len(outcome.Changes), got)
	}
	for i := range 10 {
		f[i].Observation.Asked, f[i].Observation.NoMetrics = true, ""
	}
	outcome, _ = statesetter.Config{}.Round(now, interval, wide, f, before)
	if got := texts(outcome.Closings); !slices.Equal(got, []string{"10: rack 1: the metrics of 0 of 10 are read; the way to them has failed"}) || len(outcome.Changes) != 10 {
		t.Errorf("%d changes, held %q", len(outcome.Changes), got)
	}
}

// TestTheValveNeverPassesMoreThanItsLimits draws faults that begin and end, and leaders that are
// absent, and keeps the states that follow.
func TestTheValveNeverPassesMoreThanItsLimits(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		states := map[string]sabakan.State{}
		var memory statesetter.Memory
		passed := map[string]statesetter.Made{}
		lost := map[int]int{}
		at := now
		for cycle := range 40 {
			at = at.Add(interval)
			f := newFleet(4)
			for rack := range 4 {
				switch r.IntN(8) {
				case 0:
					lost[rack] = 10
				case 1, 2:
					lost[rack] = r.IntN(3)
				}
				f.lose(rack, lost[rack])
			}
			for i := range f {
				if s, ok := states[f[i].Machine.Spec.Serial]; ok {
					f[i].Machine.Status.State = s
				}
			}
			var outcome statesetter.Outcome
			outcome, memory = statesetter.Config{}.Round(at, interval, valve, f, memory)
			for _, c := range outcome.Changes {
				states[c.Serial] = c.To
				if c.Worse() {
					passed[c.Serial] = statesetter.Made{Rack: c.Rack, At: at}
				}
			}
			within, racks := 0, map[int]int{}
			for _, m := range passed {
				if at.Sub(m.At) < valve.Interval {
					within++
					racks[m.Rack]++
				}
			}
			for rack, n := range racks {
				if n > 2 || within > 4 {
					t.Fatalf("seed %d, cycle %d: %d machines of rack %d and %d of all within the interval", seed, cycle, n, rack, within)
				}
			}
		}
	}
}
