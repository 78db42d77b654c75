package simulation

import (
	"time"

	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

// actionDeadline is the deadline of each simulated action.
const actionDeadline = time.Minute

// Table returns the product's table of steps with short deadlines.
func Table() update.Table {
	t := steps.Table()
	for n, step := range t {
		for i := range step.Actions {
			step.Actions[i].Deadline = actionDeadline
		}
		t[n] = step
	}
	return t
}

// groups returns the names of the groups of services. Within such a group, different
// versions must not run at the same time.
func (w *world) groups() []string {
	var all []string
	for _, step := range w.table {
		for _, a := range step.Actions {
			if a.Stops != "" {
				all = append(all, a.Stops)
			}
		}
	}
	return all
}
