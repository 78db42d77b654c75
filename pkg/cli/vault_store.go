package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

func newVaultStoreCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "store-unseal-key",
		Short: "Put the unseal key back into etcd",
		Long: `Put the unseal key, which is read from standard input, back into etcd, sealed to
the boot servers and the recovery keys. The key is checked before: if the Vault
of this boot server is sealed, the key unseals it; otherwise the policy admin in
Vault is needed: VAULT_TOKEN, else a user and a password are asked for.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := env.reach(cmd.Context()); err != nil {
				return err
			}
			key, err := readSecret(cmd, "unseal key", "as neco vault show-unseal-key printed it", "write it to standard input")
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), vaultTimeout)
			defer cancel()
			err = env.tryUnsealKey(ctx, key)
			if errors.Is(err, vault.ErrBadKey) {
				return hint(err, "etcd is unchanged; the key is what neco vault show-unseal-key printed, or vault operator rekey")
			}
			if err != nil {
				return err
			}
			recipients, err := env.storeUnsealKey(ctx, key)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "the unseal key is in etcd, sealed to %d keys; on boot servers whose Vault is sealed still: neco vault unseal\n", recipients)
			return nil
		},
	}
}

// tryUnsealKey returns nil if key is the unseal key of Vault and vault.ErrBadKey if it
// is not. If the Vault of this server is sealed, it unseals that Vault with key.
// Otherwise it logs in to Vault as an operator to compare the key.
func (env *Env) tryUnsealKey(ctx context.Context, key string) error {
	local, err := vault.Open(vault.Local, env.FS.Path(neco.ServerCAFile), "")
	if err != nil {
		return err
	}
	if opened, err := vault.Unseal(ctx, local, key); err != nil || opened {
		return err
	}
	lrn, err := ownLRN(env)
	if err != nil {
		return err
	}
	operator, err := neco.VaultClient(lrn)
	if err != nil {
		return err
	}
	used, err := vault.KeyInUse(ctx, operator, key)
	if err == nil && !used {
		err = vault.ErrBadKey
	}
	return err
}

// storeUnsealKey encrypts the unseal key to the registered boot servers and the
// recovery keys, stores it in etcd, and returns the number of recipients.
func (env *Env) storeUnsealKey(ctx context.Context, key string) (recipients int, err error) {
	roots, err := renewal.Server{FS: env.FS}.Roots(pki.ServerCA)
	if err != nil {
		return 0, err
	}
	err = env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		snap, err := s.Snapshot(ctx)
		if err != nil {
			return err
		}
		all, err := vaultkey.Recipients(ctx, s.Client(), roots, snap.Registered, env.Now())
		if err != nil {
			return err
		}
		recipients = len(all)
		return vaultkey.Store(ctx, s.Client(), key, "", all)
	})
	return recipients, err
}
