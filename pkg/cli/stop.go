package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// stopAttempts is how often stopRun attempts to stop a request that is being changed at
// the same time, before it fails.
const stopAttempts = 5

func newStopCmd(env *Env) *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "End the running update cleanly",
		Long: `End the running update: every boot server leaves it at its current step, and
starts the services again that the update has stopped. Installed versions stay.
No new update starts until neco recover clears this one.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			reason := "stopped by " + env.By()
			if text = strings.TrimSpace(text); text != "" {
				reason += ": " + text
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				already, err := stopRun(ctx, cmd, env, s, reason)
				if already && text != "" {
					fmt.Fprintf(cmd.OutOrStdout(), "that reason stays; %q is not recorded\n", text)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&text, "reason", "", "why, for status, history and notices")
	return cmd
}

// stopRun stops the current run because of reason. It reports whether the run was stopped
// already.
func stopRun(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, reason string) (already bool, err error) {
	for range stopAttempts {
		snap, err := s.Snapshot(ctx)
		if err != nil {
			return false, err
		}
		if bad, ok := snap.MalformedAt(storage.KeyRequest); ok {
			return false, hint(fmt.Errorf("stop: %w", bad),
				"which update this is cannot be read; neco recover --malformed clears the request")
		}
		r := snap.Request
		if why := notRunning(snap); why != "" {
			fmt.Fprintln(cmd.OutOrStdout(), "nothing to stop: "+printable.Line(why))
			return r != nil && r.Stop, nil
		}
		reason := reason + snap.Failing(r.Members())
		_, err = s.StopRequest(ctx, storage.Guard{LRN: -1}, r, update.OutcomeStopped, reason)
		if errors.Is(err, storage.ErrSuperseded) {
			continue
		}
		if err != nil {
			return false, err
		}
		r.Outcome, r.Reason = update.OutcomeStopped, reason
		if err := endHistory(ctx, env, s, r); err != nil {
			return false, err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "stopped the update to %s\nneco status shows how the boot servers leave it; neco recover lets a new one begin\n", printable.Line(r.Version))
		return false, nil
	}
	return false, fmt.Errorf("stop: %w", storage.ErrSuperseded)
}

// notRunning returns why there is no run to stop, or "" if there is one.
func notRunning(snap *storage.Snapshot) string {
	switch r := snap.Request; {
	case r == nil:
		return "no update was requested"
	case r.Stop:
		return fmt.Sprintf("the update to %s has ended already: %s", r.Version, r.Reason)
	case snap.Complete():
		return fmt.Sprintf("the update to %s is complete", r.Version)
	}
	return ""
}
