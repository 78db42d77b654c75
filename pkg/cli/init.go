package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newInitCmd(env *Env) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Prepare the data centre for a program",
		Long: `Create what a program needs once per data centre: its role and its users in
etcd, or a token. The output names the command that then sets the program up on
each boot server.

` + requestHelp(),
		Args:      exactly(1),
		ValidArgs: program.Names(program.OnRequest()),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				p, err := requested(args[0], program.OnRequest())
				if err != nil {
					return err
				}
				if force {
					return replaceToken(ctx, cmd, env, s, p)
				}
				done, err := initialize(ctx, s, p)
				if err != nil {
					return err
				}
				if !done {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is initialised already; nothing is changed\n", args[0])
					return nil
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is initialised; %s\n", args[0], afterInit(p))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the token of a program that has one")
	return cmd
}

// replaceToken replaces the token of the program p.
func replaceToken(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, p program.Program) error {
	if !p.Prepared.Token {
		return hint(fmt.Errorf("%s has no token to replace", p.Name), "run neco init %s without --force; it adds only missing users and roles", p.Name)
	}
	if err := s.ReplaceTeleportToken(ctx, newToken(), env.act(storage.KindConfig, "the token of %s is replaced", p.Name)); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s has a new token; %s\n", p.Name, afterInit(p))
	return nil
}

// newToken returns 32 random bytes in hexadecimal digits.
func newToken() string {
	token := make([]byte, 32)
	rand.Read(token)
	return hex.EncodeToString(token)
}

// requestHelp returns the programs of neco init as text for its help.
func requestHelp() string {
	var b strings.Builder
	b.WriteString("Programs:\n")
	for _, p := range program.OnRequest() {
		what := "its role and its users in etcd"
		if p.Prepared.Token {
			what = "a token, kept in etcd"
		}
		fmt.Fprintf(&b, "  %-12s%s\n", p.Name, what)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// requested returns the program called name, or an error if neco init does not prepare
// that program. The hint of the error names the programs in choice.
func requested(name string, choice []program.Program) (program.Program, error) {
	p, err := program.Find(name)
	if err != nil || p.Prepared == nil {
		return p, hint(fmt.Errorf("%q is not a program that neco prepares", name), "give one of %s", strings.Join(program.Names(choice), ", "))
	}
	return p, nil
}

func afterInit(p program.Program) string {
	return "run " + p.LocalCommand() + " on each boot server"
}

// initialize creates the token or the users in etcd that p needs. It reports whether one
// of them was missing.
func initialize(ctx context.Context, s *storage.Storage, p program.Program) (done bool, err error) {
	if p.Prepared.Token {
		return s.PutTeleportToken(ctx, newToken())
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	for _, u := range etcdauth.UsersOf(p, slices.Sorted(slices.Values(snap.Registered))...) {
		added, err := etcdauth.EnsureUser(ctx, s.Client(), u)
		if err != nil {
			return done, err
		}
		done = done || added
	}
	return done, nil
}
