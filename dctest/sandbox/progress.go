package sandbox

import (
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// StepTime is how long a step of an update took. The step starts when all servers have
// arrived at it, and ends when all have arrived at the next step.
type StepTime struct {
	N    int
	Name string
	Took time.Duration
}

// progress computes how long the steps of a run took, from the statuses that its boot
// servers report.
type progress struct {
	table   update.Table
	members []int
	at      map[int]int // the step at which each member has arrived
	step    int         // the minimum of at
	since   time.Time
}

func newProgress(t update.Table, members []int, began time.Time) *progress {
	return &progress{table: t, members: members, at: map[int]int{}, since: began}
}

// observe processes the status that the boot server lrn has reported at the time now.
// It returns the steps that have ended thereby.
func (p *progress) observe(lrn int, st update.Status, now time.Time) []StepTime {
	at := st.Step
	if st.Cond == neco.CondComplete {
		at = p.table.Last() + 1
	}
	p.at[lrn] = max(p.at[lrn], at)
	least := at
	for _, m := range p.members {
		least = min(least, p.at[m])
	}
	var ended []StepTime
	for ; p.step < least; p.step++ {
		ended = append(ended, StepTime{p.step, p.table.Name(p.step), now.Sub(p.since)})
		p.since = now
	}
	return ended
}

// done reports whether the run is complete.
func (p *progress) done() bool { return p.step > p.table.Last() }
