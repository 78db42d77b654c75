package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func newRecoverCmd(env *Env) *cobra.Command {
	var malformed bool
	var retry string
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Clear a stopped update, so that neco-updater can start a run",
		Long: `Delete the request, the reports of all boot servers and the outcomes of the
actions that are done once per data centre, in one transaction. The history
is kept.

It is refused while the update is running. A complete update needs no clearing.
neco-updater then starts a run of the newest known release, which may be the one
that failed. A release that was published later is known once a search has found
it: the line "release" of neco status shows it.

A release that failed by its own fault is marked as bad and is not started: its
package is not what its digest says, dpkg refuses it, its worker panics more
than three times, or one of its programs does not become ready on a sound host.
With --retry VERSION the mark is removed, also where no stopped update is to be
cleared.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				if cmd.Flags().Changed("retry") {
					if err := retryRelease(ctx, cmd, env, s, retry); err != nil {
						return err
					}
				}
				return recoverRun(ctx, cmd, env, s, recoverOptions{malformed, retry != ""})
			})
		},
	}
	cmd.Flags().StringVar(&retry, "retry", "", "let `VERSION`, which failed by its own fault, be installed again")
	cmd.Flags().BoolVar(&malformed, "malformed", false, "also clear a request that cannot be read")
	return cmd
}

// recoverOptions are the options of recoverRun for requests that are not stopped.
type recoverOptions struct {
	// malformed means that a malformed request is cleared, too.
	malformed bool
	// running means that a run in progress is not an error. It is left unchanged.
	running bool
}

func recoverRun(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, o recoverOptions) error {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	if bad, ok := snap.MalformedAt(storage.KeyRequest); ok {
		if !o.malformed {
			return hint(fmt.Errorf("recover: %w", bad),
				"whether this update is running is unknown; if you are sure that the request may be deleted, run neco recover --malformed")
		}
		return recoverMalformed(ctx, cmd, env, s, bad)
	}
	r := snap.Request
	switch {
	case r == nil:
		fmt.Fprintln(cmd.OutOrStdout(), "no update was requested: there is nothing to clear")
		return nil
	case snap.UnderWay() && o.running:
		fmt.Fprintf(cmd.OutOrStdout(), "the update to %s runs: there is nothing to clear\n", r.Version)
		return nil
	case snap.UnderWay():
		return hint(fmt.Errorf("recover: %w: the update to %s runs", ErrRunActive, r.Version),
			"end it with neco stop first, or wait for its end with neco status --wait")
	case !r.Stop:
		fmt.Fprintf(cmd.OutOrStdout(), "the update to %s is complete: there is nothing to clear\n", printable.Line(r.Version))
		return nil
	}
	if err := endHistory(ctx, env, s, r); err != nil {
		return err
	}
	if err := s.Recover(ctx, r.Rev, env.act(storage.KindRecover, "cleared the stopped update to %s", r.Version)); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "cleared the stopped update to %s\n%s\n", printable.Line(r.Version), afterRecover(snap))
	return nil
}

// afterRecover returns a text about what neco-updater does after the operator has
// cleared a stopped update.
func afterRecover(snap *storage.Snapshot) string {
	known := printable.Line(snap.Release)
	if known == "" {
		return "neco-updater begins an update when it has found a release"
	}
	if _, bad := snap.Bad[snap.Release]; bad {
		return fmt.Sprintf("the newest known release, %s, is marked as bad: neco-updater waits for a newer one", known)
	}
	return fmt.Sprintf("neco-updater begins the update to %s, the newest known release, unless it finds a newer one first", known)
}

// recoverMalformed clears the malformed request bad.
func recoverMalformed(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, bad storage.MalformedKey) error {
	if err := s.Recover(ctx, bad.Rev, env.act(storage.KindRecover, "cleared a request that could not be read")); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "cleared the request that could not be read (%v)\n", bad.Err)
	return nil
}

// endHistory records in the history that the stopped run r has ended, unless the
// history shows that already. It ignores a malformed record.
func endHistory(ctx context.Context, env *Env, s *storage.Storage, r *update.Request) error {
	result := storage.Result(r.Outcome)
	if result == "" {
		result = storage.ResultStopped
	}
	err := s.EndRun(ctx, r.ID(), result, r.Reason, env.Now().UTC())
	var bad storage.MalformedKey
	if errors.As(err, &bad) {
		return nil
	}
	return err
}
