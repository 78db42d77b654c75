package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
)

// managed reports whether Neco manages etcd and Vault on this server.
func (env *Env) managed() (bool, error) { return env.FS.Exists(neco.VaultDir) }

// leaveManaged removes the boot server lrn together with its permissions in etcd and
// Vault.
func leaveManaged(cmd *cobra.Command, env *Env, lrn int, o leaveOptions) error {
	own, err := ownLRN(env)
	if err != nil {
		return err
	}
	if own == lrn {
		return hint(fmt.Errorf("leave %d: this is boot server %d itself", lrn, lrn), "run it on a boot server that stays: this one loses its rights half-way")
	}
	if err := agreeToLeave(cmd, env, lrn, o, true); err != nil {
		return err
	}
	v, err := neco.VaultClient(own)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), departTimeout)
	defer cancel()
	return env.withStorage(func(s *storage.Storage) error {
		d, err := env.departure(ctx, cmd, s, v, lrn)
		if err != nil {
			return err
		}
		return depart(ctx, cmd, s, d, o)
	})
}

// departTimeout is how long the departure of a boot server may take before it fails.
// During the departure, another Vault may have to become active.
const departTimeout = 5 * vaultTimeout

// departure returns the [join.Departure] with which this server revokes the access of
// the boot server lrn.
func (env *Env) departure(ctx context.Context, cmd *cobra.Command, s *storage.Storage, v *api.Client, lrn int) (join.Departure, error) {
	id, err := hostIdentity(env)
	if err != nil {
		return join.Departure{}, err
	}
	roots, err := renewal.Server{FS: env.FS}.Roots(pki.ServerCA)
	if err != nil {
		return join.Departure{}, err
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return join.Departure{}, err
	}
	stay := slices.DeleteFunc(slices.Clone(snap.Registered), func(n int) bool { return n == lrn })
	return join.Departure{
		LRN: lrn, Remaining: stay, Etcd: s.Client(), Vault: v, Identity: id, Roots: roots, Out: cmd.OutOrStdout(), Now: env.Now,
	}, nil
}

// leavable reports whether the boot server lrn is registered, with an error if the
// server must not leave. If it is not registered, the error is nil only if an earlier
// neco leave has to be completed.
func leavable(ctx context.Context, s *storage.Storage, lrn int, o leaveOptions) (registered bool, err error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return false, err
	}
	if slices.Contains(snap.Registered, lrn) {
		if err := mayLeave(snap, lrn, o.force); err != nil {
			return true, fmt.Errorf("leave %d: %w", lrn, err)
		}
		return true, nil
	}
	begun, err := join.Leaving(ctx, s.Client(), lrn)
	if err != nil || begun {
		return false, err
	}
	return false, fmt.Errorf("leave %d: %w", lrn, mayLeave(snap, lrn, o.force))
}

// depart performs the departure d in a data centre where Neco manages Vault.
func depart(ctx context.Context, cmd *cobra.Command, s *storage.Storage, d join.Departure, o leaveOptions) error {
	registered, err := leavable(ctx, s, d.LRN, o)
	if err != nil {
		return err
	}
	if registered {
		d.Unregister = func(ctx context.Context) error { return takeOut(ctx, cmd, s, d.LRN, o) }
	}
	return explainDeparture(d.Run(ctx), d.LRN)
}

// takeOut deletes the registration of the boot server lrn. It also succeeds if the
// registration is already deleted, because the response to an earlier request was lost
// or another neco leave was faster.
func takeOut(ctx context.Context, cmd *cobra.Command, s *storage.Storage, lrn int, o leaveOptions) error {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(snap.Registered, lrn) {
		err = leave(ctx, cmd, s, lrn, o)
		if !errors.Is(err, storage.ErrNotRegistered) {
			return err
		}
	}
	printLeft(cmd, snap, lrn)
	return nil
}

func explainDeparture(err error, lrn int) error {
	switch {
	case join.Unfinished(err):
		return hint(err, "run neco leave %d again: it finishes what is left", lrn)
	case vault.Denied(err), errors.Is(err, join.ErrVaultToken):
		return hint(err, "the token of Vault is wrong or has expired, or lacks the policy admin")
	case errors.Is(err, hostkey.ErrCannotOpen):
		return hint(err, "the unseal key is not sealed to this server: run it on another boot server, or after the next update")
	}
	return explain(err)
}
