package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cli/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

// statusOptions are the flags of neco status.
type statusOptions struct {
	output
	watch, wait bool
	timeout     time.Duration
}

func newStatusCmd(env *Env) *cobra.Command {
	var o statusOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how the update stands, and what it waits for",
		Long: `Show the current update, what it waits for and since when, every boot server,
and how the search for releases goes. What a silent boot server reported last
is not taken for what it does now.

With --watch the picture is drawn anew whenever it changes; where the output is
no terminal, one line is printed for each change (with -o json: one object a
line). With --wait the command ends when the update does. It exits with 0 if
that is complete, with 4 if it was stopped, and with 3 if it still runs after
--timeout.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			if o.timeout != 0 && !o.wait {
				return hint(fmt.Errorf("--timeout without --wait"), "add --wait")
			}
			if o.watch || o.wait {
				return env.withStorage(func(s *storage.Storage) error { return follow(cmd, env, s, o) })
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				v, err := env.view(ctx, s)
				if err != nil {
					return err
				}
				return show(cmd, o, v)
			})
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "follow the changes until interrupted")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "end when the update ends: 0 complete, 4 stopped, 3 still running")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "how long --wait waits at most (default: for ever)")
	return cmd
}

// view reads what is to be shown.
func (env *Env) view(ctx context.Context, s *storage.Storage) (status.View, error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return status.View{}, err
	}
	return status.New(snap, steps.Table(), env.Now()), nil
}

// show writes all of v.
func show(cmd *cobra.Command, o statusOptions, v status.View) error {
	if o.json() {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	return v.Render(cmd.OutOrStdout())
}
