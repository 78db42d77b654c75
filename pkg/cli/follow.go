package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// redrawEvery is the interval at which an unchanged view is drawn again, because it shows
// durations in seconds.
const redrawEvery = time.Second

// checkEvery is the minimum interval between two checks whether etcd has a majority and
// the watch is up to date.
const checkEvery = redrawEvery / 2

// follower shows an update to an operator until it ends: it implements neco status
// --watch and --wait.
type follower struct {
	statusOptions
	cmd      *cobra.Command
	terminal bool
	// snap is the newest known state of etcd; checked is when etcd last confirmed it.
	snap    *storage.Snapshot
	checked time.Time
	// last is the view that was shown last, or would be with --watch; nil before the
	// first read.
	last *status.View
	// failure is the error of the last check of etcd; nil if it succeeded.
	failure error
	// trouble is the error of etcd that was printed last; empty if etcd has answered
	// since.
	trouble string
	probes  probes
	screen  screen
}

// follow shows the changes of an update until the update ends (--wait), --timeout has
// passed or the operator interrupts it. While etcd does not answer, for example because
// an update restarts it, follow waits.
func follow(cmd *cobra.Command, env *Env, s *storage.Storage, o statusOptions) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if o.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, o.timeout)
		defer stop()
	}
	f := &follower{statusOptions: o, cmd: cmd, probes: probes{
		ask: env.askVaults, etcd: func(ctx context.Context) membership.Cluster { return askEtcd(ctx, s) },
	}}
	f.terminal = isTerminal(cmd.OutOrStdout())
	defer f.leaveScreen()
	watch := s.FollowFull(ctx)
	defer watch.Close()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		v, err := f.read(ctx, env, s, watch)
		if err != nil {
			if err := f.showStale(ctx, env.Now(), err); err != nil {
				return err
			}
		} else {
			f.probes.add(ctx, &v)
			v.Judge()
			if err := f.show(v); err != nil {
				return err
			}
			if end, err := f.ended(v); f.wait && end {
				return f.finish(v, err)
			}
		}
		select {
		case <-ctx.Done():
		case <-watch.Wake():
		case <-tick.C:
		}
		if ctx.Err() != nil {
			return f.cutOff(cmd.Context(), env.Now())
		}
	}
}

// read returns the view of the newest state. If etcd does not answer, it prints and
// returns the error.
func (f *follower) read(ctx context.Context, env *Env, s *storage.Storage, watch *storage.Follower) (v status.View, err error) {
	if f.failure != nil || time.Since(f.checked) >= checkEvery {
		err = explain(env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) error {
			return f.check(ctx, watch)
		}))
	}
	f.failure = err
	if snap := watch.Snapshot(); snap != nil && (f.snap == nil || snap.Revision > f.snap.Revision) {
		f.snap = snap
	}
	if err == nil {
		v = env.view(f.snap)
	}
	f.report(ctx, err)
	return v, err
}

// report prints that etcd cannot be read because of err, or that it can be read again.
// It prints each such change only once, and nothing if the view on the terminal shows
// the error.
func (f *follower) report(ctx context.Context, err error) {
	switch {
	case err == nil && f.trouble != "":
		f.trouble = ""
		fmt.Fprintln(f.cmd.ErrOrStderr(), "etcd answers again")
	case err == nil:
	case f.terminal && f.watch:
	case ctx.Err() == nil && errtext.Of(err) != f.trouble:
		f.trouble = errtext.Of(err)
		fmt.Fprintf(f.cmd.ErrOrStderr(), "waiting for etcd: %s\n", printable.Line(f.trouble))
	}
}

// check sets f.snap to the current state of etcd.
func (f *follower) check(ctx context.Context, watch *storage.Follower) error {
	snap, err := watch.Current(ctx)
	if err == nil {
		f.snap, f.checked = snap, time.Now()
	}
	return err
}

// showStale shows the last view again, marked as stale because of err. It does so only
// for --watch on a terminal.
func (f *follower) showStale(ctx context.Context, now time.Time, err error) error {
	if !f.watch || !f.terminal || f.json() || ctx.Err() != nil {
		return nil
	}
	v := status.View{At: now}
	if f.last != nil {
		v = *f.last
	}
	return f.screen.draw(f.cmd.OutOrStdout(), stale(v, now, err))
}

// stale returns v marked as stale: the last attempt to read etcd, at the time now,
// failed with err.
func stale(v status.View, now time.Time, err error) status.View {
	v.Stale = &status.Stale{At: now, Error: printable.Line(errtext.Of(err))}
	if h := (*Hint)(nil); errors.As(err, &h) {
		v.Stale.ToDo = []string{printable.Line(h.Text)}
	}
	v.Judge()
	return v
}

// show shows v: the whole view on a terminal, and otherwise the changes since the last
// view. Without --watch it shows nothing.
func (f *follower) show(v status.View) error {
	old := f.last
	f.last = &v
	if !f.watch {
		return nil
	}
	w := f.cmd.OutOrStdout()
	switch {
	case f.json():
		return showLine(w, old, v)
	case f.terminal:
		return f.screen.draw(w, v)
	case old == nil:
		return v.Render(w)
	}
	for _, line := range v.Changes(*old) {
		if _, err := fmt.Fprintf(w, "%s  %s\n", v.At.Format("15:04:05"), printable.Line(line)); err != nil {
			return err
		}
	}
	return nil
}

// showLine writes v as one line of JSON, unless it equals old.
func showLine(w io.Writer, old *status.View, v status.View) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if old != nil {
		before := *old
		before.At, before.Revision = v.At, v.Revision
		if same, err := json.Marshal(before); err == nil && bytes.Equal(same, data) {
			return nil
		}
	}
	_, err = fmt.Fprintf(w, "%s\n", data)
	return err
}

// ended reports whether the update in v is over, and returns an error unless it is
// complete.
func (f *follower) ended(v status.View) (bool, error) {
	switch v.State {
	case status.Complete:
		return f.reached(v), nil
	case status.Stopped:
		err := hint(fmt.Errorf("the update to %s %s", v.Version, howStopped(v)),
			"%s", v.HowToGoOn())
		return true, &ExitError{CodeStopped, err}
	case status.Unreadable:
		return true, hint(errors.New("the request cannot be read"), "neco status names the key; neco recover --malformed clears it")
	}
	return false, nil
}

// reached reports whether --wait ends now that the update in v is complete. With --for,
// the version of v must be the requested one or a newer one; without it, no other
// update must be due.
func (f *follower) reached(v status.View) bool {
	if f.target == nil {
		return v.Next == nil
	}
	got, err := release.Parse(v.Version)
	return err == nil && got.Compare(*f.target) >= 0
}

// howStopped returns the outcome and the reason of the stopped update in v, as the end
// of a sentence.
func howStopped(v status.View) string {
	how := "was stopped"
	switch update.Outcome(v.Outcome) {
	case update.OutcomeAborted:
		how = "has aborted"
	case update.OutcomeTimeout:
		how = "took too long (timeout)"
	}
	if v.Reason != "" {
		how += ": " + status.Shorten(v.Reason, status.MessageMax)
	}
	return how
}

// finish shows v unless --watch has already shown it, and returns err.
func (f *follower) finish(v status.View, err error) error {
	if f.watch {
		return err
	}
	v.AddVaults(f.probes.ask(context.WithoutCancel(f.cmd.Context()), v.Registered()))
	v.Judge()
	return errors.Join(show(f.cmd, f.statusOptions, v), err)
}

// cutOff ends the command after --timeout or an interrupt: it shows the last view
// unless --watch has shown it, and returns the error for that end. now is the time of
// the end.
func (f *follower) cutOff(parent context.Context, now time.Time) error {
	if !f.wait || parent.Err() != nil && f.watch {
		return nil
	}
	switch {
	case f.last == nil && parent.Err() != nil:
		return errors.New("interrupted; the state of the update is unknown, because etcd has not answered")
	case f.last == nil:
		return fmt.Errorf("the state of the update is unknown after --timeout %s: %w", f.timeout, f.failure)
	}
	what := "the update"
	if f.target != nil {
		what = fmt.Sprintf("the update to %s", f.target)
	}
	err := &ExitError{CodeRunning, hint(fmt.Errorf("%s is not over", what), "neco status shows what it waits for")}
	if unreached := (*unreachedError)(nil); errors.As(f.failure, &unreached) {
		return f.finish(stale(*f.last, now, unreached), err)
	}
	return f.finish(*f.last, err)
}
