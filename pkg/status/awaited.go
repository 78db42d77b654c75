package status

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// awaited is what the least advanced members have to do before any member
// passes its next barrier.
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

// leastAdvanced is the least arrival of members that are not through; each
// member has a status.
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

// nextBarrier is the first one behind a: a later phase of the step, or the
// step after it. Behind the last step it is what only complete members have
// reached.
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

// stepName is the name of the step, with those of the actions where it has
// several phases.
func stepName(t update.Table, a update.Arrival) string {
	if acts := doing(t, a); acts != "" {
		return t.Name(a.Step) + ": " + acts
	}
	return t.Name(a.Step)
}

// doing names the actions of a part of a step; empty: the step has one part.
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

// lastArrival is when the last of the servers arrived where it is, or the start of
// the run.
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
