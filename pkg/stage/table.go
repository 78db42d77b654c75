package stage

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Stage is one stage of an operation, a row of its table. T is the type of the argument
// of Act and Skip.
type Stage[T any] struct {
	Name Name
	// Says describes the stage for the operator. If it is empty, nothing is printed
	// when the stage starts, ends or is skipped.
	Says string
	// Deadline bounds the time for Act, including its retries.
	Deadline time.Duration
	// Skip returns why the stage is skipped, or "" to run it. If Skip is nil, the stage
	// always runs.
	Skip func(T) string
	// Check marks a stage that changes nothing. A check-only run runs only these
	// stages.
	Check bool
	// NoRetry disables the retries of transient errors. It is for stages whose errors
	// are problems for the operator to solve, and for stages that ask the operator for
	// a password.
	NoRetry bool
	// Act performs the stage. It must be idempotent, because a later attempt repeats
	// it. It may be nil if Before or After of the Runner does the work.
	Act func(context.Context, T) error
}

// Table lists the stages of an operation in order.
type Table[T any] []Stage[T]

// Names returns the names of the stages in order.
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

// Past reports whether the stage name is completed when done is the last completed
// stage: name equals done, or comes before done. It returns false if done is not in the
// table.
func (t Table[T]) Past(done, name Name) bool {
	n := t.Index(done)
	return n >= 0 && n >= t.Index(name)
}

// Checks returns the stages with Check, which are the stages of a check-only run.
func (t Table[T]) Checks() Table[T] {
	return slices.DeleteFunc(slices.Clone(t), func(s Stage[T]) bool { return !s.Check })
}

// Validate returns an error if a stage has no name, no deadline, or the name of another
// stage.
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
