package worker

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/update"
)

// TestAnActionThatTheEndOfTheSessionCutsOffHasNotFailed covers both orders in which the
// loop may receive the two events. The next attempt has the whole deadline.
func TestAnActionThatTheEndOfTheSessionCutsOffHasNotFailed(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(election.ErrLeaseLost)
	table := update.Table{{Name: "package", Actions: []update.Action{{Name: "fetch", Deadline: time.Minute}}}}
	w := &worker{Options: Options{Table: table, Logger: slog.New(slog.DiscardHandler)}, delay: newBackOff()}
	w.task = &task{cancel: func(error) {}}
	w.firstAttempt = time.Now().Add(-time.Hour)
	w.ended(ctx, taskResult{err: errors.New("signal: killed")})
	if w.task != nil || w.m.Work.State != update.WorkFailed || w.m.Work.Cancelled != update.CauseLeaseLost {
		t.Errorf("task %v, work %+v", w.task, w.m.Work)
	}
	if !w.firstAttempt.IsZero() {
		t.Error("the time that etcd was away counts")
	}
}
