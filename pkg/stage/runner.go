package stage

import (
	"context"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/retry"
)

// Runner runs the stages of an operation. Its fields other than On, Stages, Out and Now
// may be empty.
type Runner[T any] struct {
	// On is the argument that each stage's Act and Skip receive.
	On     T
	Stages Table[T]
	Out    Printer
	Now    func() time.Time
	// CheckOnly restricts a run to the stages with Check. Such a run records nothing.
	CheckOnly bool
	// Done is the last stage that this or an earlier attempt has completed. It does not
	// change while an attempt repeats earlier stages.
	Done *Name
	// Save stores Done. It is called after each stage; did is the stage just completed.
	Save func(ctx context.Context, did Name) error
	// Before and After are called before and after the Act of each stage. The deadline
	// of the stage does not apply to them.
	Before, After func(context.Context, Stage[T]) error
}

// Error is the error with which the stage called Stage failed.
type Error struct {
	Stage Name
	Err   error
}

// Error returns the name of the stage and the text of the wrapped error.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Stage, e.Err) }

// Unwrap returns the error that the stage returned.
func (e *Error) Unwrap() error { return e.Err }

// Run runs the stages in order. If a stage fails, it stops and returns the error as an
// *Error.
func (r *Runner[T]) Run(ctx context.Context) error {
	if err := r.Stages.Validate(); err != nil {
		return err
	}
	for _, s := range r.Planned() {
		if err := r.stage(ctx, s); err != nil {
			return &Error{s.Name, err}
		}
	}
	return nil
}

// Planned returns the stages that Run runs: all stages or, if CheckOnly is set, only
// the stages with Check.
func (r *Runner[T]) Planned() Table[T] {
	if r.CheckOnly {
		return r.Stages.Checks()
	}
	return r.Stages
}

// stage runs the stage s with Before and After, or skips it. Then it records s as
// completed.
func (r *Runner[T]) stage(ctx context.Context, s Stage[T]) error {
	start := r.Now()
	if s.Skip != nil {
		if why := s.Skip(r.On); why != "" {
			r.print(s, "skipped: "+why)
			return r.Record(ctx, s.Name)
		}
	}
	for _, step := range []func(context.Context, Stage[T]) error{r.Before, r.Do, r.After} {
		if step == nil {
			continue
		}
		if err := step(ctx, s); err != nil {
			return err
		}
	}
	r.print(s, fmt.Sprintf("done (%s)", duration.Text(r.Now().Sub(start).Round(10*time.Millisecond))))
	return r.Record(ctx, s.Name)
}

// Do prints the start of s and runs its Act within its deadline. It retries transient
// errors, for example while another server reboots, unless NoRetry is set.
func (r *Runner[T]) Do(ctx context.Context, s Stage[T]) error {
	if s.Act == nil {
		return nil
	}
	r.print(s, s.Says)
	ctx, cancel := context.WithTimeoutCause(ctx, s.Deadline, TookLonger(s.Deadline))
	defer cancel()
	act := func() error { return s.Act(ctx, r.On) }
	if s.NoRetry {
		return act()
	}
	return Retry(ctx, r.Out, s.Name, act)
}

// Record stores did, the name of the stage just completed, in Done unless Done is a
// later stage, and calls Save. It does nothing in a check-only run.
func (r *Runner[T]) Record(ctx context.Context, did Name) error {
	if r.CheckOnly {
		return nil
	}
	if r.Done != nil && !r.Stages.Past(*r.Done, did) {
		*r.Done = did
	}
	if r.Save == nil {
		return nil
	}
	return r.Save(ctx, did)
}

func (r *Runner[T]) print(s Stage[T], text string) {
	if s.Says != "" {
		r.Out.Print(s.Name, text)
	}
}

// Retry calls f until it succeeds, fails with an error that is not transient, or ctx
// ends. It prints the first transient error to out, as a message about the stage called
// name.
func Retry(ctx context.Context, out Printer, name Name, f func() error) error {
	return retry.Passing(ctx, func(err error) { out.Print(name, "tries again: "+errtext.Of(err)) }, f)
}

// TookLonger returns the error for a context whose timeout d has passed. It wraps
// context.DeadlineExceeded.
func TookLonger(d time.Duration) error {
	return fmt.Errorf("took longer than %s: %w", d, context.DeadlineExceeded)
}
