package simulation

import (
	"time"

	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

// actionDeadline is the deadline of each simulated action.
const actionDeadline = time.Minute

// planned holds simulated actions for steps that the product does not manage yet, by
// the name of the step. They add actions of kind update.Once, which one worker performs
// for all, and another group of services, cke, whose old and new versions must not run
// together.
var planned = map[string][]update.Action{
	"etcdpasswd":           {{Name: "restart"}},
	"sabakan-state-setter": {{Name: "restart"}},
	"cke-stop":             {{Name: "stop", Stops: "cke", Transient: true}},
	"cke":                  {{Name: "switch"}, once("cke-template"), {Name: "start", Starts: "cke", Transient: true}},
	"sabakan-contents":     {once("sabakan")},
}

func once(record string) update.Action {
	return update.Action{Name: "upload", Kind: update.Once, Record: record}
}

// Table returns the product's table of steps with short deadlines. Steps that the product
// does not manage yet have the actions in planned instead.
func Table() update.Table {
	t := steps.Table()
	for n, step := range t {
		if actions, ok := planned[step.Name]; ok {
			step.Actions = append([]update.Action(nil), actions...)
		}
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
