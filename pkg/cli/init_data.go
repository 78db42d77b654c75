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

// initDataOptions are the flags of neco init-data.
type initDataOptions struct {
	ignitions, resources bool
	output
}

func newInitDataCmd(env *Env) *cobra.Command {
	var o initDataOptions
	cmd := &cobra.Command{
		Use:   "init-data",
		Short: "Upload the contents for nodes now, instead of in the next update",
		Long: `Give the sabakan and the CKE of this boot server what an update gives them:
the operating system and the container images of the nodes, the files in
/usr/libexec/neco, the ignition templates, the DHCP configuration, the
template of CKE and the user resources. Contents that they already have are
not sent again. If an upload needs something that is missing, neco names it
and the command to run first, and uploads the rest.

On a terminal, the command shows the bytes and the rate of each upload in
progress. Elsewhere, it prints a line when an upload begins and one when it
has ended. -o json prints only the result.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return initData(cmd, env, o)
		},
	}
	cmd.Flags().BoolVar(&o.ignitions, "ignitions-only", false, "upload only the ignition templates")
	cmd.Flags().BoolVar(&o.resources, "update-resources-only", false, "give CKE only the user resources, also if it has them")
	o.register(cmd)
	return cmd
}

// only returns the records of the uploads that were selected; none: all uploads.
func (o initDataOptions) only() []string {
	var only []string
	if o.ignitions {
		only = append(only, steps.Ignitions)
	}
	if o.resources {
		only = append(only, steps.UserResources)
	}
	return only
}

func initData(cmd *cobra.Command, env *Env, o initDataOptions) error {
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
		// Otherwise sabakan would get the files of this package under the version of another
		// release, the requested one.
		if err := samePackage(snap, env.Version); err != nil {
			return err
		}
		out := newUploads(newUploadDisplay(cmd.OutOrStdout(), o.output), env.Now)
		defer out.close()
		options := steps.Real(env.FS.Root, s.Client(), slog.New(slog.DiscardHandler))
		options.Observe = out.observe
		options.AllResources = o.resources
		err = steps.NewHost(options).Upload(ctx, o.only(), worker.Target{
			LRN: lrn, Members: snap.Request.Servers, Version: snap.Request.Version, Config: snap.Config,
		}, out.finish)
		out.close()
		if o.json() {
			err = errors.Join(err, writeJSON(cmd.OutOrStdout(), uploadsJSON{snap.Request.Version, out.results}))
		}
		return err
	})
}
