package statesetter_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// retiring returns n retiring machines in each of some racks, beside one that works.
func retiring(racks, n int) []statesetter.Judgement {
	all := []statesetter.Judgement{{Machine: machine("works", "plain", 0, sabakan.Healthy)}}
	for rack := range racks {
		for i := range n {
			m := machine(fmt.Sprintf("%d-%d", rack, i), "plain", rack, sabakan.Retiring)
			m.Status.Since = now.Add(-time.Hour)
			all = append(all, statesetter.Judgement{Machine: m})
		}
	}
	return all
}

// retired returns n machines that have retired some time ago.
func retired(n int, ago time.Duration) []statesetter.Judgement {
	var all []statesetter.Judgement
	for i := range n {
		m := machine(fmt.Sprintf("old-%d", i), "plain", 100+i, sabakan.Retired)
		m.Status.Since = now.Add(-ago)
		all = append(all, statesetter.Judgement{Machine: m})
	}
	return all
}

// ordered returns n machines that were ordered to retire some time ago, those of retired.
func ordered(n int, ago time.Duration) map[string]time.Time {
	all := map[string]time.Time{}
	for i := range n {
		all[fmt.Sprintf("old-%d", i)] = now.Add(-ago)
	}
	return all
}

// serialsOf returns the serial numbers of machines.
func serialsOf(all []sabakan.Machine) []string {
	var serials []string
	for _, m := range all {
		serials = append(serials, m.Spec.Serial)
	}
	return serials
}

// approve returns the approval of machines that began to retire an hour ago.
func approve(serials ...string) map[string]time.Time {
	all := map[string]time.Time{}
	for _, s := range serials {
		all[s] = now.Add(-time.Hour)
	}
	return all
}

func TestFewMachinesRetireInARound(t *testing.T) {
	wait := " retiring machines wait for neco nodes approve: "
	eleven := wait + "11 are retiring and 0 have retired, more than 10 within 24h0m0s"
	for title, tt := range map[string]struct {
		racks, n int
		retiring statesetter.Retiring
		more     []statesetter.Judgement
		want     []string
		stopped  string
	}{
		"none":                 {0, 0, statesetter.Retiring{}, nil, nil, ""},
		"one in a rack":        {2, 3, statesetter.Retiring{}, nil, []string{"0-0", "1-0"}, ""},
		"five in all":          {10, 1, statesetter.Retiring{}, nil, []string{"0-0", "1-0", "2-0", "3-0", "4-0"}, ""},
		"one that fails":       {1, 3, statesetter.Retiring{Tried: map[string]int{"0-0": 2, "0-1": 1}}, nil, []string{"0-2"}, ""},
		"too many":             {11, 1, statesetter.Retiring{}, nil, nil, "11" + eleven},
		"some are approved":    {11, 1, statesetter.Retiring{Approved: approve("3-0", "9-0", "works", "gone")}, nil, []string{"3-0", "9-0"}, "9" + eleven},
		"many are approved":    {1, 11, statesetter.Retiring{Approved: approve("0-1", "0-2"), Tried: map[string]int{"0-1": 1}}, nil, []string{"0-2"}, "9" + eleven},
		"approved, but few":    {1, 2, statesetter.Retiring{Approved: approve("0-1")}, nil, []string{"0-0"}, ""},
		"ten are not many":     {1, 10, statesetter.Retiring{}, nil, []string{"0-0"}, ""},
		"many have retired":    {2, 1, statesetter.Retiring{}, retired(9, 23*time.Hour), nil, "2" + wait + "2 are retiring and 9 have retired, more than 10 within 24h0m0s"},
		"long ago":             {2, 1, statesetter.Retiring{}, retired(9, 24*time.Hour), []string{"0-0", "1-0"}, ""},
		"many were ordered":    {2, 1, statesetter.Retiring{Before: ordered(9, 23*time.Hour)}, nil, nil, "2" + wait + "2 are retiring and 9 have retired, more than 10 within 24h0m0s"},
		"ordered long ago":     {2, 1, statesetter.Retiring{Before: ordered(9, 24*time.Hour)}, nil, []string{"0-0", "1-0"}, ""},
		"ordered and retired":  {2, 1, statesetter.Retiring{Before: ordered(8, time.Hour)}, retired(8, time.Minute), []string{"0-0", "1-0"}, ""},
		"ordered before":       {10, 1, statesetter.Retiring{Before: map[string]time.Time{"0-0": now, "1-0": now}, Tried: map[string]int{"0-0": 1, "1-0": 1}}, nil, []string{"2-0", "3-0", "4-0", "5-0", "6-0"}, ""},
		"held since before":    {2, 1, statesetter.Retiring{Held: map[string]bool{"0-0": true}}, nil, []string{"1-0"}, "1" + wait + "they were among more than 10 within 24h0m0s, or the record of that is lost"},
		"held, and approved":   {2, 1, statesetter.Retiring{Held: map[string]bool{"0-0": true}, Approved: approve("0-0")}, nil, []string{"0-0", "1-0"}, ""},
		"approved once before": {2, 1, statesetter.Retiring{Held: map[string]bool{"0-0": true}, Approved: map[string]time.Time{"0-0": now.AddDate(0, -1, 0)}}, nil, []string{"1-0"}, "1" + wait + "they were among more than 10 within 24h0m0s, or the record of that is lost"},
	} {
		r := statesetter.Retire(now, slices.Concat(retiring(tt.racks, tt.n), tt.more), tt.retiring)
		if got := serialsOf(r.Machines); !slices.Equal(got, tt.want) || strings.Join(r.Stopped, "; ") != tt.stopped {
			t.Errorf("%s: %q, %q, want %q, %q", title, got, r.Stopped, tt.want, tt.stopped)
		}
	}
}

// TestWhoHasRetiredLatelyIsRemembered for a day, and those that are ordered count at once.
func TestWhoHasRetiredLatelyIsRemembered(t *testing.T) {
	all := slices.Concat(retiring(1, 2), retired(1, time.Hour))
	d := statesetter.Retire(now, all, statesetter.Retiring{Before: map[string]time.Time{"gone": now.Add(-23 * time.Hour), "older": now.Add(-24 * time.Hour)}})
	want := map[string]time.Time{"gone": now.Add(-23 * time.Hour), "old-0": now.Add(-time.Hour), "0-0": now}
	if !maps.Equal(d.Lately, want) {
		t.Errorf("%v, want %v", d.Lately, want)
	}
}

// TestAnApprovalOfOneMachineLetsNoOtherRetire: of eleven machines one retires, so that those that
// are left are not many. They still need an approval.
func TestAnApprovalOfOneMachineLetsNoOtherRetire(t *testing.T) {
	all := retiring(11, 1)
	r := statesetter.Retiring{Approved: approve("7-0")}
	for round := range 5 {
		d := statesetter.Retire(now, all, r)
		if got := serialsOf(d.Machines); round == 0 && !slices.Equal(got, []string{"7-0"}) || round > 0 && len(got) > 0 {
			t.Fatalf("round %d: %q retire", round, got)
		}
		r.Held = d.Held
		all = slices.DeleteFunc(all, func(j statesetter.Judgement) bool { return j.Machine.Spec.Serial == "7-0" })
	}
	if got := slices.Sorted(maps.Keys(r.Held)); len(got) != 10 || slices.Contains(got, "7-0") {
		t.Errorf("held: %q", got)
	}
	// A machine that is not retiring any more is forgotten.
	for i := range all {
		all[i].Machine.Status.State = sabakan.Uninitialized
	}
	if d := statesetter.Retire(now, all, r); len(d.Held) > 0 || len(d.Stopped) > 0 {
		t.Errorf("%+v", d)
	}
}

// TestABootServerThatHasLeftStillNeedsItsApproval: it was among many when it was registered.
func TestABootServerThatHasLeftStillNeedsItsApproval(t *testing.T) {
	all := retiring(11, 1)
	all[1].Machine.Spec.Role = "boot"
	d := statesetter.Retire(now, all, statesetter.Retiring{Servers: []int{0}})
	d = statesetter.Retire(now, all[:2], statesetter.Retiring{Held: d.Held})
	if len(d.Machines) > 0 || d.Waiting != 1 {
		t.Errorf("%+v", d)
	}
}

func TestARegisteredBootServerDoesNotRetire(t *testing.T) {
	all := retiring(3, 1)
	for i := 1; i < len(all); i++ {
		all[i].Machine.Spec.Role = "boot"
	}
	d := statesetter.Retire(now, all, statesetter.Retiring{Servers: []int{0, 2}, Approved: approve("0-0", "2-0")})
	want := []string{"registered boot servers do not retire before they have left: 0-0 (neco leave 0), 2-0 (neco leave 2)"}
	if got := serialsOf(d.Machines); !slices.Equal(got, []string{"1-0"}) || !slices.Equal(d.Stopped, want) {
		t.Errorf("%q, %q, want %q", got, d.Stopped, want)
	}
}
