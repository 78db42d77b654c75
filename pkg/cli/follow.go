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

	"github.com/cybozu-go/neco/pkg/cli/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

// redrawEvery is how often the picture is drawn without a change: it shows
// durations in seconds.
const redrawEvery = time.Second

// follower watches an update for an operator.
type follower struct {
	statusOptions
	cmd      *cobra.Command
	terminal bool
	// last is what was shown last; nil: nothing yet.
	last *status.View
	// trouble is the last error of etcd that was told.
	trouble string
}

// follow shows changes until the update ends (--wait) or ctx does. An etcd
// that does not answer is waited for: it is restarted in an update.
func follow(cmd *cobra.Command, env *Env, s *storage.Storage, o statusOptions) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if o.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, o.timeout)
		defer stop()
	}
	f := &follower{statusOptions: o, cmd: cmd, terminal: isTerminal(cmd.OutOrStdout())}
	wake, stopWatch := wakeOn(ctx, s)
	defer stopWatch()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	for {
		v, err := f.read(ctx, env, s)
		if err == nil {
			if err := f.show(v); err != nil {
				return err
			}
			if end, err := ended(v); f.wait && end {
				return f.finish(v, err)
			}
		}
		select {
		case <-ctx.Done():
			return f.cutOff(cmd.Context())
		case <-wake:
		case <-tick.C:
		}
	}
}

// read returns the current view; what hinders it is told once.
func (f *follower) read(ctx context.Context, env *Env, s *storage.Storage) (status.View, error) {
	rctx, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	v, err := env.view(rctx, s)
	switch {
	case err == nil:
		f.trouble = ""
	case ctx.Err() == nil && err.Error() != f.trouble:
		f.trouble = err.Error()
		fmt.Fprintf(f.cmd.ErrOrStderr(), "waits for etcd: %v\n", err)
	}
	return v, err
}

// show shows v as far as it is new; without --watch it shows nothing yet.
func (f *follower) show(v status.View) error {
	if !f.watch {
		return nil
	}
	old := f.last
	f.last = &v
	w := f.cmd.OutOrStdout()
	switch {
	case f.json():
		return showLine(w, old, v)
	case f.terminal:
		return redraw(w, v)
	case old == nil:
		return v.Render(w)
	}
	for _, line := range v.Changes(*old) {
		if _, err := fmt.Fprintf(w, "%s  %s\n", v.At.Format("15:04:05"), line); err != nil {
			return err
		}
	}
	return nil
}

// redraw replaces what is on the screen.
func redraw(w io.Writer, v status.View) error {
	const home, clear = "\x1b[H", "\x1b[J"
	var b bytes.Buffer
	b.WriteString(home + clear)
	if err := v.Render(&b); err != nil {
		return err
	}
	_, err := b.WriteTo(w)
	return err
}

// showLine writes v as one line of JSON if it differs from old.
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

// ended tells whether the update of v is over, and how as an error.
func ended(v status.View) (bool, error) {
	switch v.State {
	case status.Complete:
		return true, nil
	case status.Stopped:
		err := hint(fmt.Errorf("the update to %s was stopped: %s", v.Version, v.Reason),
			"when the cause is gone, neco recover lets neco-updater begin a new one")
		return true, &ExitError{CodeStopped, err}
	case status.Unreadable:
		return true, hint(errors.New("the request cannot be read"), "neco status names the key; neco recover --malformed clears it")
	}
	return false, nil
}

// finish shows the end, unless --watch has.
func (f *follower) finish(v status.View, err error) error {
	if f.watch {
		return err
	}
	return errors.Join(show(f.cmd, f.statusOptions, v), err)
}

// cutOff is the end of a follower by time or by the operator.
func (f *follower) cutOff(parent context.Context) error {
	if !f.wait || parent.Err() != nil && f.watch {
		return nil
	}
	return &ExitError{CodeRunning, hint(fmt.Errorf("the update is not over"), "neco status shows what it waits for")}
}
