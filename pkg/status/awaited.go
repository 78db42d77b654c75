package status

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// awaited returns what the least advanced members of the run have to do before any
// member passes its next barrier (see [update.Arrival]), and which members these are.
// It returns nil if they have done it.
func awaited(s update.State, t update.Table) *Awaited {
	a := &Awaited{To: "begin", Servers: s.Missing(update.Arrival{})}
	if len(a.Servers) == 0 {
		least := leastAdvanced(s)
		a.Servers = s.Missing(nextBarrier(t, least))
		a.Step, a.Phase, a.StepName = &least.Step, least.Phase, t.Name(least.Step)
		a.To = fmt.Sprintf("finish step %d (%s)", least.Step, stepName(t, least))
	}
	if len(a.Servers) == 0 {
		return nil
	}
	a.Since = lastArrival(s, a.Servers)
	return a
}

// leastAdvanced returns the lowest of the last barriers that members of the run have
// reached, disregarding members that have completed it. Each member must have a status.
func leastAdvanced(s update.State) update.Arrival {
	var least update.Arrival
	for i, lrn := range s.Missing(update.Arrival{Step: 1 << 30}) {
		st, _ := s.Status(lrn)
		if i == 0 || st.Arrival().Compare(least) < 0 {
			least = st.Arrival()
		}
	}
	return least
}

// nextBarrier returns the first barrier after a: a later phase of the same step, or the
// next step. After the last step, it returns a barrier that only members with a
// complete status have passed.
func nextBarrier(t update.Table, a update.Arrival) update.Arrival {
	if a.Step >= 0 && a.Step < len(t) {
		for _, act := range t[a.Step].Actions {
			if act.Phase > a.Phase {
				return update.Arrival{Step: a.Step, Phase: act.Phase}
			}
		}
	}
	return update.Arrival{Step: a.Step + 1}
}

// stepName returns the name of the step that the barrier a precedes, followed by the
// actions of its phase if the step has several phases.
func stepName(t update.Table, a update.Arrival) string {
	if acts := doing(t, a); acts != "" {
		return t.Name(a.Step) + ": " + acts
	}
	return t.Name(a.Step)
}

// doing returns the names of the actions that follow the barrier a in its step and
// phase, or "" if the step has only one phase.
func doing(t update.Table, a update.Arrival) string {
	if a.Step < 0 || a.Step >= len(t) {
		return ""
	}
	var acts []string
	phases := 0
	for _, act := range t[a.Step].Actions {
		phases = max(phases, act.Phase)
		if act.Phase == a.Phase {
			acts = append(acts, act.Name)
		}
	}
	if phases == 0 || len(acts) == 0 {
		return ""
	}
	return strings.Join(acts, ", ")
}

// lastArrival returns the time at which the last of the servers arrived at its step and
// phase, or the time of the request if that is later.
func lastArrival(s update.State, servers []int) *time.Time {
	last := s.Request.StartedAt
	for _, lrn := range servers {
		st, ok := s.Status(lrn)
		at := cmp.Or(st.Since, st.At)
		if ok && at != nil && at.After(last) {
			last = *at
		}
	}
	return &last
}
