package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

// resetTimeout is how long neco reset may take before it fails, including the time in
// which services stop.
const resetTimeout = 5 * time.Minute

func newResetCmd(env *Env) *cobra.Command {
	var agreed consent
	var force bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Undo a half-done setup or join on this server",
		Long: `Stop etcd, Vault and Neco's daemons on this server and remove their data,
certificates and configuration: the remains of a neco setup or neco join that
was not completed, or of a server that has left its data centre. What is to be
removed is listed, and has to be confirmed. Backups are kept.

It is refused on a boot server that is complete, unless --force is given. If
etcd cannot be queried whether the server has left, --force prints that.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Geteuid() != 0 {
				return hint(errors.New("only root may reset a server"), "try again with sudo")
			}
			h, err := setup.RealHost(env.FS.Root, "")
			if err != nil {
				return err
			}
			return reset(cmd, env, h, agreed, force)
		},
	}
	agreed.register(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "also reset a server that is complete, with its copy of all data")
	return cmd
}

func reset(cmd *cobra.Command, env *Env, h setup.Host, agreed consent, force bool) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), resetTimeout)
	defer cancel()
	left := h.Left(setupTokenFile, joinTokenFile)
	if left.Empty() {
		fmt.Fprintln(cmd.OutOrStdout(), "There is nothing to undo.")
		return nil
	}
	err := env.mayReset(ctx)
	if err != nil && !force {
		return err
	}
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "--force: %s\n", printable.Line(errtext.Of(err)))
	}
	fmt.Fprintln(cmd.OutOrStdout(), "This will")
	left.Print(cmd.OutOrStdout())
	if err := agreed.get(cmd); err != nil {
		return err
	}
	if err := h.Undo(ctx, left); err != nil {
		return hint(err, "run neco reset again: it finishes what is left")
	}
	fmt.Fprintln(cmd.OutOrStdout(), "Done. What neco setup and neco join make is gone from this server; either can\nbe run again. Other programs of the last update, such as serf, are left as they are.")
	return nil
}

// mayReset returns an error if this server must not be reset without --force: its setup
// or join is complete, and etcd does not confirm that it has left the data centre.
func (env *Env) mayReset(ctx context.Context) error {
	for _, p := range []string{setup.Dir, join.Dir} {
		if begun, err := env.FS.Exists(p); err == nil && begun {
			return nil
		}
	}
	if complete, err := env.FS.Exists(neco.NecoConfFile); err == nil && !complete {
		return nil
	}
	registered, err := env.registered(ctx)
	if err == nil && !registered {
		return nil
	}
	if err != nil {
		return hint(fmt.Errorf("this server is complete, and etcd does not say whether it has left: %w", err),
			"if it has left, or is to be given up with its copy of the data, add --force")
	}
	return hint(errors.New("this server is complete, and a registered boot server"),
		"let it leave first: neco leave on another boot server; or add --force")
}

// registered queries etcd and reports whether this server is a registered boot server.
// It returns false if etcd refuses this server, because the server's user in etcd is
// deleted when it leaves.
func (env *Env) registered(ctx context.Context) (bool, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return false, err
	}
	var found bool
	err = env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		snap, err := s.Snapshot(ctx)
		found = err == nil && slices.Contains(snap.Registered, lrn)
		return err
	})
	if refused(err) {
		return false, nil
	}
	return found, err
}
