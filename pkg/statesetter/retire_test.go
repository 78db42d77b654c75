package statesetter_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// retiring returns n retiring machines in each of some racks, beside one that works.
func retiring(racks, n int) []statesetter.Judgement {
	all := []statesetter.Judgement{{Machine: machine("works", "plain", 0, sabakan.Healthy)}}
	for rack := range racks {
		for i := range n {
			all = append(all, statesetter.Judgement{Machine: machine(fmt.Sprintf("%d-%d", rack, i), "plain", rack, sabakan.Retiring)})
		}
	}
	return all
}

func TestFewMachinesRetireInARound(t *testing.T) {
	ten := "11 machines are retiring, more than 10: "
	for title, tt := range map[string]struct {
		racks, n int
		approved []string
		tried    map[string]int
		want     []string
		stopped  string
	}{
		"none":               {0, 0, nil, nil, nil, ""},
		"one in a rack":      {2, 3, nil, nil, []string{"0-0", "1-0"}, ""},
		"five in all":        {10, 1, nil, nil, []string{"0-0", "1-0", "2-0", "3-0", "4-0"}, ""},
		"one that fails":     {1, 3, nil, map[string]int{"0-0": 2, "0-1": 1}, []string{"0-2"}, ""},
		"too many":           {11, 1, nil, nil, nil, ten + "11 of them wait for neco nodes approve"},
		"some are approved":  {11, 1, []string{"3-0", "9-0", "works", "gone"}, nil, []string{"3-0", "9-0"}, ten + "9 of them wait for neco nodes approve"},
		"many are approved":  {1, 11, []string{"0-1", "0-2"}, map[string]int{"0-1": 1}, []string{"0-2"}, ten + "9 of them wait for neco nodes approve"},
		"approved, but few":  {1, 2, []string{"0-1"}, nil, []string{"0-0"}, ""},
		"ten are not many":   {1, 10, nil, nil, []string{"0-0"}, ""},
		"a hundred in a row": {100, 1, nil, nil, nil, "100 machines are retiring, more than 10: 100 of them wait for neco nodes approve"},
	} {
		approved := map[string]bool{}
		for _, s := range tt.approved {
			approved[s] = true
		}
		r := statesetter.Retire(retiring(tt.racks, tt.n), approved, tt.tried)
		var got []string
		for _, m := range r.Machines {
			got = append(got, m.Spec.Serial)
		}
		if !slices.Equal(got, tt.want) || r.Stopped != tt.stopped {
			t.Errorf("%s: %q, %q, want %q, %q", title, got, r.Stopped, tt.want, tt.stopped)
		}
	}
}
