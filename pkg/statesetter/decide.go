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

// Worse reports whether the machine is less useful after the change.
func (c Change) Worse() bool { return c.To == sabakan.Unhealthy || c.To == sabakan.Unreachable }

// Decide returns the change that follows from the verdict about the machine m at the time now; ok
// is false if nothing changes. since is when m was first judged as unhealthy without a break until
// now; the zero time: it was not. Decide returns that time for the next call. A machine
// becomes unhealthy after the grace period of its type.
func (c Config) Decide(now time.Time, m sabakan.Machine, v Verdict, since time.Time) (change Change, ok bool, next time.Time) {
	from := m.Status.State
	if !Judged(from) {
		return Change{}, false, time.Time{}
	}
	if v.State == sabakan.Unhealthy {
		if since.IsZero() || since.After(now) { // the clock of an earlier leader may be ahead
			since = now
		}
		next = since
		if now.Sub(since) <= c.grace(m) {
			return Change{}, false, next
		}
	}
	if v.State == "" || v.State == from || !possible(from, v.State) {
		return Change{}, false, next
	}
	return Change{m.Spec.Serial, m.Spec.Rack, from, v.State, v.Reason}, true, next
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
