package statesetter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Limit is a number of machines: the larger one of a number and of a percentage of all.
type Limit struct {
	Machines, Percent int
}

// of returns the limit for a number of machines.
func (l Limit) of(machines int) int { return max(l.Machines, machines*l.Percent/100) }

// Valve limits how many machines become unhealthy or unreachable. A fault of the network, of
// serf or of this program looks like many broken machines; the programs that use their states
// would then remove nodes that work.
type Valve struct {
	// Rack is the limit in each rack, and Fleet the limit in all racks together.
	Rack, Fleet Limit
	// Interval is the time in which changes count.
	Interval time.Duration
}

// Recent is a change to unhealthy or unreachable that was made.
type Recent struct {
	Serial string
	Rack   int
	At     time.Time
}

// Judgement is a machine with what was observed and what follows.
type Judgement struct {
	Machine     sabakan.Machine
	Observation Observation
	Verdict     Verdict
}

// Passed is what a valve lets pass and what not.
type Passed struct {
	// Changes are to be made.
	Changes []Change
	// Closed are the reasons why changes are not made, for people. Retained are these changes.
	Closed   []string
	Retained []Change
}

// Pass returns which of the changes may be made at the time now. all are the judgements about the
// whole fleet, and recent the changes that were made before; those before now minus v.Interval
// are ignored. A machine counts once. Changes to healthy always pass.
//
// If the limit of the fleet is exceeded, or if serf or all metrics are lost, no machine becomes
// unhealthy or unreachable. If the limit of a rack is exceeded or the whole rack is lost, none
// in this rack does.
func (v Valve) Pass(now time.Time, all []Judgement, recent []Recent, changes []Change) Passed {
	racks, fleet := map[int]*group{}, newGroup()
	for _, j := range all {
		if !Judged(j.Machine.Status.State) {
			continue
		}
		n := j.Machine.Spec.Rack
		if racks[n] == nil {
			racks[n] = newGroup()
		}
		racks[n].add(j)
		fleet.add(j)
	}
	worse := func(serial string, n int) {
		fleet.worse[serial] = true
		if racks[n] != nil { // it has no machine any more
			racks[n].worse[serial] = true
		}
	}
	for _, r := range recent {
		if now.Sub(r.At) < v.Interval {
			worse(r.Serial, r.Rack)
		}
	}
	for _, c := range changes {
		if c.Worse() {
			worse(c.Serial, c.Rack)
		}
	}
	everything := cmp.Or(fleet.outage("all machines"), fleet.exceeds(v.Fleet, "all machines", v.Interval))
	closed := map[int]string{} // by rack
	for n, g := range racks {
		name := fmt.Sprintf("rack %d", n)
		closed[n] = cmp.Or(g.lost(name), g.exceeds(v.Rack, name, v.Interval))
	}
	var p Passed
	reasons := map[string]bool{}
	for _, c := range changes {
		reason := cmp.Or(everything, closed[c.Rack])
		if !c.Worse() || reason == "" {
			p.Changes = append(p.Changes, c)
			continue
		}
		p.Retained = append(p.Retained, c)
		reasons[reason] = true
	}
	p.Closed = slices.Sorted(maps.Keys(reasons))
	return p
}

// group counts the machines of a rack, or of all racks.
type group struct {
	// machines are the machines that are judged, reached those with a living member of serf, asked
	// those of reached whose metrics matter, silent those of asked whose metrics were not read, and
	// gone those that are unreachable.
	machines, reached, asked, silent, gone int
	// worse are the machines that became unhealthy or unreachable or should do so.
	worse map[string]bool
}

func newGroup() *group { return &group{worse: map[string]bool{}} }

func (g *group) add(j Judgement) {
	g.machines++
	if _, _, ok := reachable(j.Observation.Members); ok {
		g.reached++
		if j.Observation.NoMetrics != "" {
			g.silent++
		}
		if j.Observation.NoMetrics != "" || j.Observation.Samples != nil {
			g.asked++
		}
	}
	if j.Verdict.State == sabakan.Unreachable {
		g.gone++
	}
}

// few is the number of machines up to which a common fault is not assumed.
const few = 1

// lost returns that no machine is reachable, or "".
func (g *group) lost(name string) string {
	if g.machines <= few || g.gone < g.machines {
		return ""
	}
	return fmt.Sprintf("%s: all of its %d machines are unreachable; the rack or its network has failed", name, g.machines)
}

// outage returns which source of observations has failed, or "".
func (g *group) outage(name string) string {
	switch {
	case g.machines > few && g.reached == 0:
		return fmt.Sprintf("%s: serf knows no living member of %d; serf or its network has failed", name, g.machines)
	case g.asked > few && g.silent == g.asked:
		return fmt.Sprintf("%s: the metrics of none of %d are read; the way to them has failed", name, g.asked)
	}
	return ""
}

// exceeds returns that too many machines are worse, or "".
func (g *group) exceeds(l Limit, name string, interval time.Duration) string {
	most := l.of(g.machines)
	if len(g.worse) <= most {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d would become unhealthy or unreachable within %s, more than %d", name, len(g.worse), g.machines, interval, most)
}
