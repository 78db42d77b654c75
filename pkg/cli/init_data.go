package cli

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

func newInitDataCmd(env *Env) *cobra.Command {
	var ignitions, resources bool
	cmd := &cobra.Command{
		Use:   "init-data",
		Short: "Upload the contents for nodes now, instead of in the next update",
		Long: `Give the sabakan and the CKE of this boot server what an update gives them:
the operating system and the container images of the nodes, the files in
/usr/libexec/neco, the ignition templates, the DHCP configuration, the
template of CKE and the user resources. What they have already is not sent.
What cannot be uploaded yet is named, with what is to be done first.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var only []string
			if ignitions {
				only = append(only, steps.Ignitions)
			}
			if resources {
				only = append(only, steps.UserResources)
			}
			return initData(cmd, env, only)
		},
	}
	cmd.Flags().BoolVar(&ignitions, "ignitions-only", false, "upload only the ignition templates")
	cmd.Flags().BoolVar(&resources, "update-resources-only", false, "give CKE only the user resources")
	return cmd
}

func initData(cmd *cobra.Command, env *Env, only []string) error {
	lrn, err := ownLRN(env)
	if err != nil {
		return err
	}
	return env.withStorage(func(s *storage.Storage) error {
		ctx := cmd.Context()
		var snap *storage.Snapshot
		err := env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) (err error) {
			snap, err = s.Snapshot(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if snap.Request == nil {
			return hint(errors.New("no release was requested in this data centre yet"), "neco status shows what it waits for")
		}
		out := newProgress(cmd.OutOrStdout())
		h := steps.NewHost(steps.Real(env.FS.Root, s.Client(), slog.New(slog.DiscardHandler)))
		return h.Upload(ctx, only, worker.Target{
			LRN: lrn, Members: snap.Request.Servers, Version: snap.Request.Version, Config: snap.Config,
			Progress: out.set,
		}, func(o steps.Outcome) {
			out.line("%-16s  %-10s  %s", o.Step, o.Action, outcome(o))
		})
	})
}

// outcome returns o in words.
func outcome(o steps.Outcome) string {
	switch {
	case o.Err != nil:
		return "failed"
	case o.Skipped:
		return "skipped: " + o.Note
	case o.Note != "":
		return o.Note
	}
	return "up to date"
}
