package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/story"
	"github.com/cybozu-go/neco/internal/duration"
)

// updateTimeout is how long one planned update of a sandbox may take before it fails.
// An update normally takes seconds.
const updateTimeout = 5 * time.Minute

func newRunCommand(name *string) *cobra.Command {
	var o story.Options
	var keep, serve bool
	cmd := &cobra.Command{
		Use:   "run --deb A.deb --deb B.deb",
		Short: "Start a data centre with package A, update it to B, and end it",
		Args:  args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out = cmd.OutOrStdout()
			switch {
			case serve:
				return serveSandbox(cmd.Context(), *name, o)
			case keep:
				return startKept(cmd, *name)
			}
			return runOnce(cmd.Context(), o)
		},
	}
	cmd.Flags().StringArrayVar(&o.Debs, "deb", nil, "neco package; the servers start with the first, each further one is an update")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "an empty directory for all files, which is kept (default: a temporary one)")
	o.Timeout = updateTimeout
	cmd.Flags().Var(duration.Var(&o.Timeout, time.Second, duration.Day), "timeout", "how long one update may take, 1s to 1d")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the sandbox running in the background, also if an update fails")
	cmd.Flags().BoolVar(&serve, "serve", false, "run the sandbox that keeps running, in this process")
	if err := cmd.Flags().MarkHidden("serve"); err != nil {
		panic(err) // the flag is four lines above
	}
	return cmd
}

// runOnce starts a sandbox, runs its planned updates, and then ends the sandbox.
func runOnce(ctx context.Context, o story.Options) error {
	s, err := story.Tell(ctx, o)
	if s == nil {
		return err
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(o.Out, "The sandbox has ended, and nothing is left.")
	return err
}
