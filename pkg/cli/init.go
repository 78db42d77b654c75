package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/application"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/storage"
)

// teleport gets a token and nothing else.
const teleport = "teleport"

func newInitCmd(env *Env) *cobra.Command {
	names := append(application.Names(), teleport)
	return &cobra.Command{
		Use:   "init NAME",
		Short: "Prepare the data centre for a program",
		Long: `Make what a program needs once in a data centre: for cke, etcdpasswd and sabakan
its role and its users in etcd, for teleport a token. After it, neco init-local
sets the program up on each boot server.`,
		Args:      exactly(1),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				done, err := initialize(ctx, s, args[0])
				if err != nil {
					return err
				}
				if !done {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is initialised already; nothing is changed\n", args[0])
					return nil
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is initialised; %s\n", args[0], afterInit(args[0]))
				return nil
			})
		},
	}
}

func afterInit(name string) string {
	if name == teleport {
		return "its token is kept in etcd"
	}
	return "run neco init-local " + name + " on each boot server"
}

// initialize reports whether there was something to do.
func initialize(ctx context.Context, s *storage.Storage, name string) (done bool, err error) {
	if name == teleport {
		token := make([]byte, 32)
		rand.Read(token)
		return s.PutTeleportToken(ctx, hex.EncodeToString(token))
	}
	a, err := application.Find(name)
	if err != nil {
		return false, hint(fmt.Errorf("%q is no program that neco prepares", name), "give one of %s", strings.Join(append(application.Names(), teleport), ", "))
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	for _, u := range a.Users(slices.Sorted(slices.Values(snap.Registered))...) {
		added, err := etcdauth.EnsureUser(ctx, s.Client(), u)
		if err != nil {
			return done, err
		}
		done = done || added
	}
	return done, nil
}
