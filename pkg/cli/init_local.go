package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

func newInitLocalCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "init-local NAME",
		Short: "Set a program up on this boot server",
		Long: `Give a program on this boot server its certificate and its configuration, and
start it. The certificate is signed by Vault with the token in VAULT_TOKEN;
without it, name and password of a user of Vault are asked for. A service that
is not installed yet is named.

Programs: ` + strings.Join(program.Names(program.OnServers()), ", "),
		Args:      exactly(1),
		ValidArgs: program.Names(program.OnServers()),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := onServer(args[0])
			if err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return hint(errors.New("only root may set a program up"), "try again with sudo")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), initLocalTimeout)
			defer cancel()
			if err := env.reach(ctx); err != nil {
				return err
			}
			return env.withStorage(func(s *storage.Storage) error {
				return initLocal(ctx, cmd.OutOrStdout(), env, s, p)
			})
		},
	}
}

// initLocalTimeout is how long neco init-local may take before it fails, including the
// time in which the operator types the password.
const initLocalTimeout = 5 * vaultTimeout

// onServer returns the program called name, or an error if neco init-local does not set
// that program up.
func onServer(name string) (program.Program, error) {
	p, err := requested(name, program.OnServers())
	if err == nil && p.Prepared.Config == "" {
		err = hint(fmt.Errorf("neco init-local does not set %s up", name), "neco init %s makes all that it needs in etcd; then run %s on each boot server", name, p.LocalCommand())
	}
	return p, err
}

func initLocal(ctx context.Context, out io.Writer, env *Env, s *storage.Storage, p program.Program) error {
	me, err := thisServer(env)
	if err != nil {
		return err
	}
	if err := startsSame(ctx, env, s, p); err != nil {
		return err
	}
	users := etcdauth.UsersOf(p, me.Subject.LRN)
	has, err := etcdauth.Has(ctx, s.Client(), users[0].Name)
	if err != nil {
		return err
	}
	if !has {
		return hint(fmt.Errorf("%s is not initialised in this data centre", p.Name), "run neco init %s once, on any boot server", p.Name)
	}
	for _, u := range users { // the users of a server that joined after neco init are missing
		if _, err := etcdauth.EnsureUser(ctx, s.Client(), u); err != nil {
			return err
		}
	}
	purpose, err := pki.Find(p.Name)
	if err != nil {
		return err
	}
	changed := false
	if !me.Good(purpose) {
		changed = true
		if err := signWithOperator(ctx, me, purpose); err != nil {
			return err
		}
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	target := worker.Target{LRN: me.Subject.LRN, Members: snap.Registered, Version: env.Version, Config: snap.Config}
	h := steps.NewHost(steps.Real(env.FS.Root, s.Client(), slog.New(slog.DiscardHandler)))
	wrote, err := h.SetUp(ctx, p.Name, target)
	if err != nil {
		return err
	}
	// A run may have been requested while the operator typed the password. It stops and starts p
	// here only several seconds after its request, because it installs a package first.
	if err := startsSame(ctx, env, s, p); err != nil {
		return err
	}
	if err := startAll(ctx, out, p, changed || wrote); err != nil {
		return err
	}
	return h.Started(ctx, p.Name, target)
}

// startsSame returns an error if p here may start another version than on the other boot servers,
// although its versions do not mix.
func startsSame(ctx context.Context, env *Env, s *storage.Storage, p program.Program) error {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	last, err := lastRun(ctx, s)
	if err != nil {
		return err
	}
	return settled(snap, last, p, env.Version)
}

// startAll starts the installed services of p. If changed is true, it restarts services
// that are running.
func startAll(ctx context.Context, out io.Writer, p program.Program, changed bool) error {
	var units host.Units
	for _, name := range p.Units {
		known, err := units.Known(ctx, name)
		if err != nil {
			return err
		}
		if !known {
			fmt.Fprintf(out, "%s.service is not installed yet: start it after its installation with systemctl enable --now %[1]s\n", name)
			continue
		}
		if err := units.Enable(ctx, name); err != nil {
			return err
		}
		active, err := units.IsActive(ctx, name)
		if err != nil {
			return err
		}
		if active && !changed {
			fmt.Fprintf(out, "%s.service runs already\n", name)
			continue
		}
		if err := units.Restart(ctx, name); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s.service is started\n", name)
	}
	if !changed {
		fmt.Fprintf(out, "%s was set up here already; nothing is changed\n", p.Name)
		return nil
	}
	fmt.Fprintf(out, "%s is set up on this boot server\n", p.Name)
	return nil
}
