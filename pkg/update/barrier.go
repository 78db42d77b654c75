package update

import (
	"cmp"
	"fmt"

	"github.com/cybozu-go/neco"
)

// Arrival identifies a barrier: the start of a step, or of a later phase within a step.
// No member passes it before all members have arrived.
type Arrival struct {
	Step  int
	Phase int
}

// Compare orders arrivals by step, then by phase.
func (a Arrival) Compare(b Arrival) int {
	return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.Phase, b.Phase))
}

func (a Arrival) String() string {
	if a.Phase == 0 {
		return fmt.Sprint(a.Step)
	}
	return fmt.Sprintf("%d.%d", a.Step, a.Phase)
}

// Missing returns, in ascending order, the members of the current run that have not
// arrived at a.
func (s State) Missing(a Arrival) []int {
	if s.Request == nil {
		return nil
	}
	var missing []int
	for _, lrn := range s.Request.Members() {
		if !s.arrived(lrn, a) {
			missing = append(missing, lrn)
		}
	}
	return missing
}

// arrived reports whether the member lrn has arrived at a: its status belongs to the
// current run and is complete, or is running at a or at a later barrier.
func (s State) arrived(lrn int, a Arrival) bool {
	st, ok := s.status(lrn)
	if !ok {
		return false
	}
	switch st.Cond {
	case neco.CondComplete:
		return true
	case neco.CondRunning:
		return st.Arrival().Compare(a) >= 0
	default:
		return false
	}
}
