package stage

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Stage is a row of a table: one stage of an operation on a T.
type Stage[T any] struct {
	Name Name
	// Says describes the stage for the operator.  If it is empty, the start, the end
	// and a skip of the stage are not printed.
	Says string
	// Deadline bounds Act together with its retries.
	Deadline time.Duration
	// Skip returns why the stage is not needed, or "" if it is.  A stage with a nil
	// Skip is never skipped.
	Skip func(T) string
	// Check marks a stage that changes nothing and is part of a check-only run.
	Check bool
	// NoRetry disables retries of transient errors, because the errors are findings
	// or because the stage asks the operator for a password.
	NoRetry bool
	// Act runs the stage.  It must be idempotent, because a later attempt repeats it.
	// It may be nil if Before and After of the Runner do the work.
	Act func(context.Context, T) error
}

// Table lists the stages of an operation in order.
type Table[T any] []Stage[T]

// Names returns the names in order.
func (t Table[T]) Names() []string {
	var names []string
	for _, s := range t {
		names = append(names, s.Name.String())
	}
	return names
}

// Index returns the index of a stage, or -1 if it is not in the table.
func (t Table[T]) Index(name Name) int {
	return slices.IndexFunc(t, func(s Stage[T]) bool { return s.Name == name })
}

// Past reports whether the stage name is done or a stage before it.  It is false if
// done is not in the table.
func (t Table[T]) Past(done, name Name) bool {
	n := t.Index(done)
	return n >= 0 && n >= t.Index(name)
}

// Checks returns the stages of a check-only run.
func (t Table[T]) Checks() Table[T] {
	return slices.DeleteFunc(slices.Clone(t), func(s Stage[T]) bool { return !s.Check })
}

// Validate returns an error if a row has no name, the name of another row, or no
// deadline.
func (t Table[T]) Validate() error {
	for n, s := range t {
		switch {
		case s.Name == Name{}:
			return fmt.Errorf("stage %d has no name", n)
		case t.Index(s.Name) != n:
			return fmt.Errorf("stage %s is in the table twice", s.Name)
		case s.Deadline <= 0:
			return fmt.Errorf("stage %s has no deadline", s.Name)
		}
	}
	return nil
}
