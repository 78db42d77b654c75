package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// The contents that can be uploaded alone; see [Host.Upload].
const (
	Ignitions     = "sabakan"
	UserResources = "user-resources"
)

// Outcome is the result of one upload.
type Outcome struct {
	// Step and Action are the names of the upload in an update.
	Step, Action string
	// Note says why the upload was skipped, or what is to be done first; it may be empty.
	Note string
	// Skipped reports whether a condition for the upload does not hold on this host.
	Skipped bool
	// Command is the command with which an operator makes that condition hold. It is empty
	// if there is no single command.
	Command string
	Err     error
}

// Upload uploads the contents for sabakan and CKE outside of an update: all, or only those
// whose records are in only. It calls report after each upload and goes on after an
// error; it returns the errors of all uploads. It takes no lock and writes no record, so
// that the next update compares all contents again. If it gives CKE other user resources than
// the last update, it removes their digest from the record of that update.
func (h *Host) Upload(ctx context.Context, only []string, t worker.Target, report func(Outcome)) error {
	var errs []error
	for n, r := range h.rows {
		for i, a := range r.acts {
			if !a.uploads || len(only) > 0 && !slices.Contains(only, a.Record) {
				continue
			}
			o := h.uploadOne(ctx, update.Place{Step: n, Action: i}, t)
			o.Step, o.Action = r.name, a.Name
			report(o)
			if o.Err != nil {
				errs = append(errs, fmt.Errorf("%s %s: %w", o.Step, o.Action, o.Err))
			}
		}
	}
	return errors.Join(errs...)
}

func (h *Host) uploadOne(ctx context.Context, p update.Place, t worker.Target) (o Outcome) {
	r := h.rows[p.Step]
	a := r.acts[p.Action]
	ctx, cancel := context.WithTimeoutCause(ctx, a.Deadline, fmt.Errorf("it takes longer than %s", a.Deadline))
	defer cancel()
	for _, c := range slices.Concat(a.when, a.alone) {
		holds, err := c.holds(ctx, h, r.component, t)
		if err != nil {
			return Outcome{Err: err}
		}
		if !holds {
			o.Skipped = true
			o.Note, o.Command = c.reason(r.component)
			return o
		}
	}
	note, err := a.do(ctx, h, r.component, t)
	return Outcome{Note: note, Err: err}
}
