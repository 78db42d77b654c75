package statesetter

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// MostRetiring is how many machines may be retiring at the same time without approval. More are
	// likely a mistake, and what they lose cannot be had again.
	MostRetiring = 10
	// retirePerRound and retirePerRack are how many machines lose their keys in one round.
	retirePerRound, retirePerRack = 5, 1
)

// Retirement is what is done with retiring machines in a round.
type Retirement struct {
	// Machines lose the keys of their disks and the content of their TPM.
	Machines []sabakan.Machine
	// Waiting is how many others wait for approval, and Stopped why, for people, or "".
	Waiting int
	Stopped string
}

// Retire returns which retiring machines lose their keys in this round: at most five, and one in a
// rack, first those that were tried least often. If more than MostRetiring are retiring, only those
// do that an operator has approved. approved and tried are by serial number.
func Retire(all []Judgement, approved map[string]bool, tried map[string]int) Retirement {
	var retiring []sabakan.Machine
	for _, j := range all {
		if j.Machine.Status.State == sabakan.Retiring {
			retiring = append(retiring, j.Machine)
		}
	}
	slices.SortStableFunc(retiring, func(a, b sabakan.Machine) int {
		return cmp.Compare(tried[a.Spec.Serial], tried[b.Spec.Serial])
	})
	var r Retirement
	many := len(retiring) > MostRetiring
	racks := map[int]int{}
	for _, m := range retiring {
		if many && !approved[m.Spec.Serial] {
			r.Waiting++
			continue
		}
		if len(r.Machines) < retirePerRound && racks[m.Spec.Rack] < retirePerRack {
			racks[m.Spec.Rack]++
			r.Machines = append(r.Machines, m)
		}
	}
	if r.Waiting > 0 {
		r.Stopped = fmt.Sprintf("%d machines are retiring, more than %d: %d of them wait for neco nodes approve", len(retiring), MostRetiring, r.Waiting)
	}
	return r
}
