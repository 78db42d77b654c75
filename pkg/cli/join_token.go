package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

// joinTokenTTL is the default lifetime of a join token.
const joinTokenTTL = time.Hour

func newJoinTokenCmd(env *Env) *cobra.Command {
	var lrn int
	var ttl time.Duration
	var hostName, bastion string
	cmd := &cobra.Command{
		Use:   "join-token",
		Short: "Make a token with which one server can join",
		Long: `Create and print a token with which the server with the given LRN and host name
can join this data centre once. Write it to a file that only root can read, and
copy the file to the server over an encrypted connection.

It needs Vault: VAULT_TOKEN, else a user and a password are asked for.`,
		Example: "  neco join-token --lrn 3 >token\n  neco join-token list\n  neco join-token revoke 3",
		Args:    none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("lrn") {
				return hint(errors.New("which server is to join?"), "give its logical rack number, as in: neco join-token --lrn 3")
			}
			if err := checkPool(env, lrn); err != nil {
				return err
			}
			return env.withIssuer(cmd, func(ctx context.Context, i join.Issuer, own pki.Subject) error {
				s, err := joiner(own, lrn, hostName, bastion)
				if err != nil {
					return err
				}
				t, err := i.Issue(ctx, s, ttl)
				if err != nil {
					return err
				}
				text, err := t.Reveal()
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), text)
				fmt.Fprintf(cmd.ErrOrStderr(), "for boot server %d, called %s, until %s; copy it there to %s, mode 0600, then: neco join %d\n",
					t.LRN, t.HostName, t.Expires.Format(time.RFC3339), joinTokenFile, own.LRN)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&lrn, "lrn", 0, "`LRN` of the server that is to join")
	ttl = joinTokenTTL
	f.Var(duration.Var(&ttl, join.MinTTL, join.MaxTTL), "ttl", fmt.Sprintf("lifetime of the token, a `duration` from %s to %s",
		duration.Text(join.MinTTL), duration.Text(join.MaxTTL)))
	f.StringVar(&hostName, "host-name", "", "`name` of the server, if it does not follow from this server's name")
	f.StringVar(&bastion, "bastion", "", "`address` of the server in the operators' network, if it does not follow either")
	cmd.AddCommand(newJoinTokenListCmd(env), newJoinTokenRevokeCmd(env))
	return cmd
}

// joiner returns the names and addresses of the server for which a join token is
// issued. It derives those that the operator has not given from own, the names and
// addresses of this server.
func joiner(own pki.Subject, lrn int, hostName, bastion string) (pki.Subject, error) {
	s := join.Like(own, lrn)
	if hostName != "" {
		s.HostName = hostName
	}
	if s.HostName == "" {
		return s, hint(fmt.Errorf("the host name of boot server %d does not follow from %q", lrn, own.HostName), "give its host name with --host-name")
	}
	if bastion != "" {
		a, err := netip.ParseAddr(bastion)
		if err != nil {
			return s, fmt.Errorf("--bastion: %w", err)
		}
		s.Bastion = a
	}
	return s, s.Check()
}

// withIssuer calls f with an Issuer of join tokens, which has clients of etcd and
// Vault, and with the names and addresses of this server.
func (env *Env) withIssuer(cmd *cobra.Command, f func(context.Context, join.Issuer, pki.Subject) error) error {
	h, err := setup.RealHost(env.FS.Root, "")
	if err != nil {
		return err
	}
	own, err := ownSubject(env, h)
	if err != nil {
		return err
	}
	ca, err := env.FS.Read(neco.ServerCAFile)
	if err != nil {
		return hint(err, "is this a boot server that neco setup or neco join has made?")
	}
	if err := env.reach(cmd.Context()); err != nil {
		return err
	}
	v, err := neco.VaultClient(own.LRN)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), vaultTimeout)
	defer cancel()
	err = env.withStorage(func(s *storage.Storage) error {
		return f(ctx, join.Issuer{Etcd: s.Client(), Vault: v, CA: ca, By: env.By(), Now: env.Now}, own)
	})
	return explainJoin(err)
}

func newJoinTokenListCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use: "list", Short: "List the join tokens of servers that have not joined yet", Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return env.withIssuer(cmd, func(ctx context.Context, i join.Issuer, _ pki.Subject) error {
				all, err := i.List(ctx)
				if err != nil {
					return err
				}
				if o.json() {
					return writeJSON(cmd.OutOrStdout(), all)
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "LRN\tHOST NAME\tSTATE\tEXPIRES\tACCESSOR\tBY")
				for _, t := range all {
					fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", t.LRN, printable.Line(t.HostName), t.State,
						t.Expires.Format(time.RFC3339), printable.Line(t.Accessor), printable.Line(t.By))
				}
				return w.Flush()
			})
		},
	}
	o.register(cmd)
	return cmd
}

func newJoinTokenRevokeCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "revoke LRN|ACCESSOR", Short: "Revoke a join token, and the access of its server", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.withIssuer(cmd, func(ctx context.Context, i join.Issuer, _ pki.Subject) error {
				r, err := i.Find(ctx, args[0])
				if err != nil {
					return hint(err, "neco join-token list shows them")
				}
				if err := i.Revoke(ctx, r); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "the join token for boot server %d is revoked\n", r.LRN)
				return nil
			})
		},
	}
}
