package statesetter

import (
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Judgement is a machine with what was observed and what follows.
type Judgement struct {
	Machine     sabakan.Machine
	Observation Observation
	Verdict     Verdict
}

// Memory is what a round leaves to the next one, which may be that of another leader.
type Memory struct {
	// At is the time of the round.
	At time.Time `json:"at"`
	// Bad are the machines that will become worse if that goes on, by serial number.
	Bad map[string]Since `json:"bad,omitempty"`
	// Worse are the changes for the worse that were made lately, by serial number.
	Worse map[string]Made `json:"worse,omitempty"`
	// Closed is when a rack or the fleet was last closed for a reason of its own, by its name.
	Closed map[string]time.Time `json:"closed,omitempty"`
	// Held are the retiring machines that need an approval, and Retired those that have lately
	// retired or were ordered to, by serial number. [Retire] sets them.
	Held    map[string]bool      `json:"held,omitempty"`
	Retired map[string]time.Time `json:"retired,omitempty"`
}

// Made is a change for the worse that was made.
type Made struct {
	Rack int       `json:"rack"`
	At   time.Time `json:"at"`
}

// Outcome is what follows from a round.
type Outcome struct {
	// Changes are to be made.
	Changes []Change
	// Closings are the reasons for which changes for the worse are not made.
	Closings []Closing
	// Blind means that serf does not reach most machines from here.
	Blind bool
}

// Round decides at the time now what follows from the judgements about all machines. interval is
// the time between two rounds, and before what the last round has left; the zero value: nothing.
func (c Config) Round(now time.Time, interval time.Duration, v Valve, all []Judgement, before Memory) (Outcome, Memory) {
	before = before.moved(now, interval)
	after := Memory{At: now, Bad: map[string]Since{}, Worse: map[string]Made{}}
	var changes []Change
	for _, j := range all {
		serial := j.Machine.Spec.Serial
		change, ok, since := c.decide(now, j.Machine, j.Verdict, before.Bad[serial])
		if ok {
			changes = append(changes, change)
		}
		if since != (Since{}) {
			after.Bad[serial] = since
		}
	}
	for serial, made := range before.Worse {
		if now.Sub(made.At) < v.Interval {
			after.Worse[serial] = made
		}
	}
	outcome, closed := v.pass(now, all, after.Worse, before.Closed, changes)
	after.Closed = closed
	for _, change := range outcome.Changes {
		if change.Worse() {
			after.Worse[change.Serial] = Made{change.Rack, now}
		}
	}
	return outcome, after
}

// pauses is after how many intervals without a round something was wrong: nobody has led, this
// process was paused, or a clock was set.
const pauses = 3

// moved returns the memory with its times moved, so that the last round seems to be one interval
// before now if it was much earlier, or later than now. Nobody has observed machines in that time;
// grace periods and the interval of the valve do not end in it.
func (m Memory) moved(now time.Time, interval time.Duration) Memory {
	gap := now.Sub(m.At)
	if m.At.IsZero() || gap >= 0 && gap <= pauses*interval {
		return m
	}
	by := gap - interval
	moved := Memory{At: m.At.Add(by), Bad: map[string]Since{}, Worse: map[string]Made{}, Closed: map[string]time.Time{}, Held: m.Held, Retired: m.Retired}
	for serial, s := range m.Bad {
		moved.Bad[serial] = Since{s.State, s.At.Add(by)}
	}
	for serial, made := range m.Worse {
		moved.Worse[serial] = Made{made.Rack, made.At.Add(by)}
	}
	for name, at := range m.Closed {
		moved.Closed[name] = at.Add(by)
	}
	return moved
}
