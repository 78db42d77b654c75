package sandbox

import (
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// StepTime is the duration of a step of an update: from the time when all servers were
// ready for the step until all were ready for the next step.
type StepTime struct {
	N    int
	Name string
	Took time.Duration
}

// progress computes the durations of a run's steps from the statuses of the members.
type progress struct {
	table   update.Table
	members []int
	at      map[int]int // the step that each member is ready for
	step    int         // the minimum of at
	since   time.Time
}

func newProgress(t update.Table, members []int, began time.Time) *progress {
	return &progress{table: t, members: members, at: map[int]int{}, since: began}
}

// observe processes a status of a member and returns the steps that have ended by it.
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
