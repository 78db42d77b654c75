package update

import (
	"fmt"
	"time"
)

// Kind says who does an action.
type Kind int

// The three kinds of action.
const (
	// Every member does it, all at once.
	Every Kind = iota
	// Once: one member does it under a lock; the record binds the others.
	Once
	// Rolling: each member does it, one at a time under a lock.
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

// Action is a unit of work inside a step.
type Action struct {
	Name string
	Kind Kind
	// Phase is the barrier inside the step that must be passed before.
	Phase int
	// Deadline bounds the action with all its retries.
	Deadline time.Duration
	// Record names the contents key of a once-action.
	Record string
	// Stops and Starts name a group whose versions must not run together.
	// The action that has Stops ends the old version, the one that has
	// Starts begins the new one.
	Stops, Starts string
	// Conditional actions are done only where the doer says so, as once-actions are: it
	// is asked before the lock.
	Conditional bool
	// Transient actions are not repeated when a worker resumes behind them.
	Transient bool
	// Unmanaged actions stand in the table for work that this version of
	// Neco leaves alone; the status says so.
	Unmanaged bool
}

// Step is a row of the table.
type Step struct {
	N       int
	Name    string
	Actions []Action
}

// Table is the ordered list of steps; the index of a step is its number.
type Table []Step

// Validate returns an error that names the first row that breaks a rule of
// tables: numbers in order, phases ascending, a deadline for each action, a
// record for each once-action.
func (t Table) Validate() error {
	if len(t) < 2 {
		return fmt.Errorf("a table needs the package step and at least one more, has %d", len(t))
	}
	for i, s := range t {
		if s.N != i {
			return fmt.Errorf("step %d (%s) stands at place %d", s.N, s.Name, i)
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
	case a.Unmanaged:
		return nil
	case a.Deadline <= 0:
		return fmt.Errorf("no deadline")
	case (a.Kind == Once) != (a.Record != ""):
		return fmt.Errorf("a record belongs to a once-action and to no other")
	}
	return nil
}

// Last is the number of the last step.
func (t Table) Last() int { return len(t) - 1 }

// Name returns the name of step n, or its number where the table has no such
// step (a newer version may have more).
func (t Table) Name(n int) string {
	if n < 0 || n >= len(t) {
		return fmt.Sprintf("step %d", n)
	}
	return t[n].Name
}

// Place is a position in the table: the action that is next.
type Place struct {
	Step   int
	Action int
}

// Action returns the action at p.
func (t Table) Action(p Place) Action { return t[p.Step].Actions[p.Action] }

// valid reports whether there is an action at p.
func (t Table) valid(p Place) bool {
	return p.Step >= 0 && p.Step < len(t) && p.Action < len(t[p.Step].Actions)
}

// arrival is the barrier that guards the action at p.
func (t Table) arrival(p Place) Arrival { return Arrival{p.Step, t.Action(p).Phase} }

// place is the first action behind the barrier a, or an invalid place where
// the table has no such step.
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

// next is the place after p; it is invalid behind the last one of the table.
func (t Table) next(p Place) Place {
	if p.Action+1 < len(t[p.Step].Actions) {
		return Place{p.Step, p.Action + 1}
	}
	return Place{Step: p.Step + 1}
}

// repeated lists the actions that a worker does again, without barrier or
// status, when it resumes at step n: the host may not be the one that did
// them before, or its disk may have lost what was not yet synced.
func (t Table) repeated(n int) []Place {
	var ps []Place
	for i := 1; i < n && i <= t.Last(); i++ {
		for j, a := range t[i].Actions {
			if a.Kind == Every && !a.Transient && !a.Unmanaged {
				ps = append(ps, Place{i, j})
			}
		}
	}
	return ps
}
