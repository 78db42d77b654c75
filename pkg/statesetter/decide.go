package statesetter

import (
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Change is the state that a machine should get in sabakan.
type Change struct {
	Serial   string
	Rack     int
	From, To sabakan.State
	Reason   string
}

// Worse reports whether the machine is less useful after the change. An unreachable machine that
// becomes unhealthy is not.
func (c Change) Worse() bool {
	return c.To == sabakan.Unreachable || c.To == sabakan.Unhealthy && c.From != sabakan.Unreachable
}

// Since is a state that a machine does not have in sabakan yet, and when it was first judged so
// without a break. The zero value: it is not judged so.
type Since struct {
	State sabakan.State `json:"state"`
	At    time.Time     `json:"at"`
}

// decide returns the change that follows from the verdict about the machine m at the time now; ok
// is false if nothing changes. before is what it returned in the round before as after.
//
// A machine becomes worse only if it is judged so in two rounds in a row, and unhealthy only after
// the grace period of its type, unless the verdict counts at once. An agent of serf that has just
// started knows few members, and what heals needs some time.
func (c Config) decide(now time.Time, m sabakan.Machine, v Verdict, before Since) (change Change, ok bool, after Since) {
	from := m.Status.State
	switch {
	case !Judged(from):
		return Change{}, false, Since{}
	case v.Skipped:
		return Change{}, false, before
	case v.State == "" || v.State == from || !possible(from, v.State):
		return Change{}, false, Since{}
	}
	change = Change{m.Spec.Serial, m.Spec.Rack, from, v.State, v.Reason}
	if v.State == sabakan.Healthy || v.AtOnce {
		return change, true, Since{}
	}
	if before.State != v.State {
		return Change{}, false, Since{v.State, now}
	}
	if v.State == sabakan.Unhealthy && now.Sub(before.At) <= c.grace(m) {
		return Change{}, false, before
	}
	return change, true, before
}

// grace returns the grace period of m.
func (c Config) grace(m sabakan.Machine) time.Duration {
	if t, ok := c.Types[m.Spec.Labels[TypeLabel]]; ok {
		return t.Grace
	}
	return DefaultGrace
}

// possible reports whether sabakan lets a judged machine change from one state to the other: a
// machine that has never been healthy can only become that.
func possible(from, to sabakan.State) bool {
	return from != sabakan.Uninitialized || to == sabakan.Healthy
}
