package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/application"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newInitLocalCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "init-local NAME",
		Short: "Set a program up on this boot server",
		Long: `Give a program on this boot server its certificate and its configuration, and
start it. The certificate is signed by Vault with the token in VAULT_TOKEN;
without it, name and password of a user of Vault are asked for. A service that
is not installed yet is started by the update that brings it.

Programs: ` + strings.Join(program.Names(program.OnServers()), ", "),
		Args:      exactly(1),
		ValidArgs: program.Names(program.OnServers()),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p, err := requested(args[0]); err == nil && p.Prepared.Token {
				return hint(fmt.Errorf("%s has no certificate of Vault", p.Name), "neco init %s makes all that it needs", p.Name)
			}
			a, err := application.Find(args[0])
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
				return initLocal(ctx, cmd.OutOrStdout(), env, s, a)
			})
		},
	}
}

// initLocalTimeout bounds all of it; the password may have to be typed.
const initLocalTimeout = 5 * vaultTimeout

func initLocal(ctx context.Context, out io.Writer, env *Env, s *storage.Storage, a application.Application) error {
	me, err := thisServer(env)
	if err != nil {
		return err
	}
	users := a.Users(me.Subject.LRN)
	has, err := etcdauth.Has(ctx, s.Client(), users[0].Name)
	if err != nil {
		return err
	}
	if !has {
		return hint(fmt.Errorf("%s is not initialised in this data centre", a.Name), "run neco init %s once, on any boot server", a.Name)
	}
	for _, u := range users { // a server that has joined since has none yet
		if _, err := etcdauth.EnsureUser(ctx, s.Client(), u); err != nil {
			return err
		}
	}
	p, err := a.Purpose()
	if err != nil {
		return err
	}
	changed := false
	if !me.Good(p) {
		changed = true
		if err := signWithOperator(ctx, me, p); err != nil {
			return err
		}
	}
	wrote, err := configure(ctx, env, s, a, me.Subject.LRN)
	if err != nil {
		return err
	}
	return startAll(ctx, out, a, changed || wrote)
}

// thisServer is this boot server as the owner of certificates.
func thisServer(env *Env) (renewal.Server, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return renewal.Server{}, err
	}
	return renewal.This(env.FS, lrn, env.Now)
}

// signWithOperator has a certificate signed with an operator's rights.
func signWithOperator(ctx context.Context, me renewal.Server, p pki.Purpose) error {
	client, err := neco.VaultClient(me.Subject.LRN)
	if err != nil {
		return err
	}
	return me.Renew(ctx, client, p)
}

// configure writes the files of a.
func configure(ctx context.Context, env *Env, s *storage.Storage, a application.Application, lrn int) (changed bool, err error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	for _, dir := range a.Directories() {
		if err := env.FS.MakeDir(dir); err != nil {
			return false, err
		}
	}
	file, err := a.Config(lrn, snap.Registered)
	if err != nil {
		return false, err
	}
	return env.FS.Write(file)
}

// startAll starts the services that are installed.
func startAll(ctx context.Context, out io.Writer, a application.Application, changed bool) error {
	var units host.Units
	for _, name := range a.Units {
		known, err := units.Known(ctx, name)
		if err != nil {
			return err
		}
		if !known {
			fmt.Fprintf(out, "%s.service is not installed yet: the update that brings it starts it\n", name)
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
		fmt.Fprintf(out, "%s was set up here already; nothing is changed\n", a.Name)
		return nil
	}
	fmt.Fprintf(out, "%s is set up on this boot server\n", a.Name)
	return nil
}
