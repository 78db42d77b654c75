package statesetter

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Limit is a number of machines: the larger one of a number and of a percentage.
type Limit struct {
	Machines, Percent int
}

// of returns the limit for a number of machines.
func (l Limit) of(machines int) int { return max(l.Machines, machines*l.Percent/100) }

// Valve limits how many machines become unhealthy or unreachable. A fault of the network, of
// serf or of this program looks like many broken machines; the programs that use their states
// would then remove nodes that work.
type Valve struct {
	// Rack is the limit in each rack, and Fleet the limit in all racks together, of the machines
	// that work.
	Rack, Fleet Limit
	// Interval is the time in which changes count.
	Interval time.Duration
	// Hold is how long a rack or the fleet stays closed after the last reason for it. When a fault
	// ends, not all machines come back at the same time.
	Hold time.Duration
}

// Cause is a kind of reason to make no changes for the worse.
type Cause string

// The causes.
const (
	// CauseSerf: serf reaches less than half of the machines.
	CauseSerf Cause = "members"
	// CauseMetrics: the metrics of less than half of the machines are read.
	CauseMetrics Cause = "metrics"
	// CauseLimit: too many machines become worse within the interval.
	CauseLimit Cause = "limit"
	// CauseHold: one of the causes has just ended.
	CauseHold Cause = "hold"
)

// Closing is a reason for which changes for the worse are not made.
type Closing struct {
	// Name is that of the fleet or of a rack.
	Name  string
	Cause Cause
	// Text is the reason for people.
	Text string
	// Held are the changes.
	Held []Change
}

// fleetName is the name of all racks together.
const fleetName = "all machines"

func rackName(n int) string { return fmt.Sprintf("rack %d", n) }

// pass returns which of the changes may be made at the time now, and when racks and the fleet were
// last closed for a reason of their own. all are the judgements about the whole fleet, recent are
// the changes for the worse within the interval, and closed is what the last call has returned.
// Changes to healthy always pass. Those that the reason of a rack holds back do not count against
// the limit of the fleet.
func (v Valve) pass(now time.Time, all []Judgement, recent map[string]Made, closed map[string]time.Time, changes []Change) (Outcome, map[string]time.Time) {
	racks, fleet := map[int]*group{}, newGroup(fleetName)
	rack := func(n int) *group {
		if racks[n] == nil {
			racks[n] = newGroup(rackName(n))
		}
		return racks[n]
	}
	for _, j := range all {
		_, lately := recent[j.Machine.Spec.Serial]
		rack(j.Machine.Spec.Rack).add(j, lately)
		fleet.add(j, lately)
	}
	for serial, made := range recent {
		rack(made.Rack).worse[serial] = true
		fleet.worse[serial] = true
	}
	for _, c := range changes {
		if c.Worse() {
			rack(c.Rack).worse[c.Serial] = true
		}
	}
	own := map[string]time.Time{}
	for _, g := range racks {
		g.judge(v.Rack, v, now, closed, own)
	}
	for _, c := range changes {
		if c.Worse() && rack(c.Rack).cause == "" {
			fleet.worse[c.Serial] = true
		}
	}
	fleet.judge(v.Fleet, v, now, closed, own)
	o := Outcome{Blind: fleet.cause == CauseSerf}
	held := map[string]*Closing{}
	for _, c := range changes {
		g := fleet
		if g.cause == "" {
			g = rack(c.Rack)
		}
		if !c.Worse() || g.cause == "" {
			o.Changes = append(o.Changes, c)
			continue
		}
		if held[g.name] == nil {
			held[g.name] = &Closing{Name: g.name, Cause: g.cause, Text: g.text}
		}
		held[g.name].Held = append(held[g.name].Held, c)
	}
	for _, name := range slices.Sorted(maps.Keys(held)) {
		o.Closings = append(o.Closings, *held[name])
	}
	return o, own
}

// group counts the machines of a rack, or of all racks.
type group struct {
	name string
	// working are the machines that sabakan does not call broken, or only since lately; reached are
	// those of them with a living member of serf; asked those of reached whose metrics matter, and
	// answered those of asked whose metrics were read.
	working, reached, asked, answered int
	// worse are the machines that became worse within the interval or are to do so now.
	worse map[string]bool
	// cause is why no machine of the group becomes worse, or "", and text the same for people.
	cause Cause
	text  string
}

func newGroup(name string) *group { return &group{name: name, worse: map[string]bool{}} }

// add counts a machine. lately reports whether it has become worse within the interval.
func (g *group) add(j Judgement, lately bool) {
	s := j.Machine.Status.State
	if s != sabakan.Healthy && s != sabakan.Unhealthy && !(s == sabakan.Unreachable && lately) {
		return
	}
	g.working++
	if _, _, ok := reachable(j.Observation.Members); !ok {
		return
	}
	g.reached++
	if j.Observation.Asked {
		g.asked++
		if j.Observation.NoMetrics == "" {
			g.answered++
		}
	}
}

// judge sets the cause of g. It writes the time now to own if that is one of its own, and otherwise
// copies the time in closed while that holds.
func (g *group) judge(l Limit, v Valve, now time.Time, closed, own map[string]time.Time) {
	most := l.of(g.working)
	switch {
	case mostMissing(g.working, g.reached):
		g.cause = CauseSerf
		g.text = fmt.Sprintf("%s: serf reaches %d of %d that were working; serf, the network or the power has failed", g.name, g.reached, g.working)
	case mostMissing(g.asked, g.answered):
		g.cause = CauseMetrics
		g.text = fmt.Sprintf("%s: the metrics of %d of %d are read; the way to them has failed", g.name, g.answered, g.asked)
	case len(g.worse) > most:
		g.cause = CauseLimit
		g.text = fmt.Sprintf("%s: %d of %d would become unhealthy or unreachable within %s, more than %d", g.name, len(g.worse), g.working, v.Interval, most)
	}
	if g.cause != "" {
		own[g.name] = now
		return
	}
	if at, ok := closed[g.name]; ok && now.Sub(at) < v.Hold {
		own[g.name] = at
		g.cause = CauseHold
		g.text = fmt.Sprintf("%s: too many were broken until %s; changes are held back for %s after that", g.name, at.Format(time.RFC3339), v.Hold)
	}
}

// mostMissing reports whether most of the machines, and at least two, are missing.
func mostMissing(all, here int) bool { return all-here >= 2 && 2*here < all }
