package update

import (
	"fmt"
	"time"
)

// Kind defines which members do an action, and whether they need the lock for it.
type Kind int

// The kinds of actions.
const (
	// Every: all members do the action at the same time.
	Every Kind = iota
	// Once: one member does the action under the lock; the recorded outcome applies to
	// all members.
	Once
	// Rolling: each member does the action, one member after the other under the lock.
	Rolling
)

func (k Kind) String() string {
	switch k {
	case Every:
		return "every"
	case Once:
		return "once"
	case Rolling:
		return "rolling"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Action is a unit of work within a step.
type Action struct {
	Name string
	Kind Kind
	// Phase is the phase of the step to which the action belongs. All members must have
	// arrived at that phase before the action starts.
	Phase int
	// Deadline bounds the action with all its retries. After it, the action is cancelled
	// and the run aborted.
	Deadline time.Duration
	// Record is the etcd key, below contents, of the recorded outcome of a once-action;
	// empty for other actions.
	Record string
	// Stops and Starts name a group of programs whose versions must not run together. An
	// action with Stops stops the old version; an action with Starts starts the new one.
	Stops, Starts string
	// Conditional means that the action is done only on hosts where its condition holds,
	// like a once-action. The condition is evaluated before the lock is acquired.
	Conditional bool
	// Transient means that a worker which resumes after this action does not repeat it.
	Transient bool
}

// Step is one row of the table: a step of an update with its actions.
type Step struct {
	N       int
	Name    string
	Actions []Action
}

// Table is the ordered list of steps; the index of a step is its number.
type Table []Step

// Validate returns an error about the first step that breaks a rule: steps are numbered
// in order, phases ascend, each action has a deadline, and [Once] actions, but no others,
// have a record.
func (t Table) Validate() error {
	if len(t) < 2 {
		return fmt.Errorf("a table needs the package step and at least one more, has %d", len(t))
	}
	for i, s := range t {
		if s.N != i {
			return fmt.Errorf("step %d (%s) is at index %d", s.N, s.Name, i)
		}
		if len(s.Actions) == 0 {
			return fmt.Errorf("step %d (%s) has no action", s.N, s.Name)
		}
		phase := 0
		for _, a := range s.Actions {
			if err := a.validate(); err != nil {
				return fmt.Errorf("step %d (%s) %s: %w", s.N, s.Name, a.Name, err)
			}
			if a.Phase < phase || a.Phase > phase+1 {
				return fmt.Errorf("step %d (%s) %s: phase %d follows phase %d", s.N, s.Name, a.Name, a.Phase, phase)
			}
			phase = a.Phase
		}
	}
	return nil
}

func (a Action) validate() error {
	switch {
	case a.Deadline <= 0:
		return fmt.Errorf("no deadline")
	case (a.Kind == Once) != (a.Record != ""):
		return fmt.Errorf("a record belongs to a once-action and to no other")
	}
	return nil
}

// Last returns the number of the last step.
func (t Table) Last() int { return len(t) - 1 }

// Name returns the name of step n. It returns "step n" if the table has no such step; a
// newer version may have more.
func (t Table) Name(n int) string {
	if n < 0 || n >= len(t) {
		return fmt.Sprintf("step %d", n)
	}
	return t[n].Name
}

// Place is the position of an action in the table.
type Place struct {
	Step   int
	Action int
}

// Action returns the action at p.
func (t Table) Action(p Place) Action { return t[p.Step].Actions[p.Action] }

// valid reports whether the table has an action at p.
func (t Table) valid(p Place) bool {
	return p.Step >= 0 && p.Step < len(t) && p.Action < len(t[p.Step].Actions)
}

// arrival returns the barrier that precedes the action at p.
func (t Table) arrival(p Place) Arrival { return Arrival{p.Step, t.Action(p).Phase} }

// place returns the place of the first action after the barrier a. If the table has no
// such step, the returned place is invalid.
func (t Table) place(a Arrival) Place {
	if a.Step < 0 || a.Step > t.Last() {
		return Place{Step: a.Step}
	}
	for i, act := range t[a.Step].Actions {
		if act.Phase >= a.Phase {
			return Place{a.Step, i}
		}
	}
	return Place{Step: a.Step + 1}
}

// next returns the place of the action after p. After the last action of the table, the
// returned place is invalid.
func (t Table) next(p Place) Place {
	if p.Action+1 < len(t[p.Step].Actions) {
		return Place{p.Step, p.Action + 1}
	}
	return Place{Step: p.Step + 1}
}

// repeated returns the actions that a worker does again, without barrier or status,
// when it resumes at step n: the host may have been re-imaged, or its disk may have
// lost unsynced writes.
func (t Table) repeated(n int) []Place {
	var ps []Place
	for i := 1; i < n && i <= t.Last(); i++ {
		for j, a := range t[i].Actions {
			if a.Kind == Every && !a.Transient {
				ps = append(ps, Place{i, j})
			}
		}
	}
	return ps
}
