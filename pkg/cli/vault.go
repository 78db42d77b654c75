package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

func newVaultCmd(env *Env) *cobra.Command {
	cmd := group("vault", "Unseal Vault and show its keys")
	cmd.AddCommand(
		newVaultUnsealCmd(env),
		newVaultShowCmd(env, "show-unseal-key", "Show the key that unseals Vault", vaultkey.Unseal, noUnsealKey),
		newVaultShowCmd(env, "show-root-token", "Show Vault's root token, if it was kept", vaultkey.Root,
			"setup revokes it, unless it is given --no-revoke, and so does neco leave; neco vault generate-root makes a new one with the unseal key"),
		newVaultRemoveCmd(env),
		newVaultStoreCmd(env),
		newVaultGenerateRootCmd(env),
	)
	return cmd
}

// noUnsealKey tells an operator what to do if etcd has no unseal key.
const noUnsealKey = "it was removed: who has it unseals Vault by hand, vault operator unseal, or puts it back, neco vault store-unseal-key"

// unsealPause is the pause between two attempts of neco vault unseal --wait.
const unsealPause = 2 * time.Second

func newVaultUnsealCmd(env *Env) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "unseal",
		Short: "Unseal the Vault of this boot server",
		Long: `Unseal the Vault of this boot server with the key in etcd, which is sealed to
this server's own key. If Vault is unsealed already, nothing is done.

If this server is not set up, or etcd holds no unseal key, nothing is done
either: a line on standard error says so, and the exit code is 0, for units run
this command after each start of Vault. Without --wait it waits ten seconds for
etcd and Vault, also where etcd has no majority.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			notify := func(err error) {
				fmt.Fprintf(cmd.ErrOrStderr(), "tries again: %s\n", printable.Line(errtext.Of(err)))
			}
			say := ""
			err := retry.Do(cmd.Context(), backoff.NewConstantBackOff(unsealPause), notify, func() (err error) {
				say, err = unseal(cmd.Context(), env)
				if err != nil && (!wait || hopeless(err)) {
					return backoff.Permanent(err)
				}
				return err
			})
			if reason, ok := nothingToUnseal(err); ok {
				fmt.Fprintf(cmd.ErrOrStderr(), "nothing is done: %s\n", reason)
				return nil
			}
			if err != nil {
				return explainUnseal(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), say)
			return nil
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for etcd and Vault as long as they take")
	return cmd
}

// hopeless reports whether repeating the request is useless after err.
func hopeless(err error) bool {
	_, nothing := nothingToUnseal(err)
	return nothing || errors.Is(err, hostkey.ErrCannotOpen) || errors.Is(err, vault.ErrBadKey)
}

// errNotSetUp reports that this server has no configuration and thus cannot be unsealed.
var errNotSetUp = errors.New("this server is not set up")

// nothingToUnseal reports whether err means that this server is not set up or that etcd
// has no unseal key, and returns the reason as text.
func nothingToUnseal(err error) (reason string, ok bool) {
	switch {
	case errors.Is(err, errNotSetUp):
		return neco.NecoConfFile + " is not there; neco setup or neco join writes it", true
	case errors.Is(err, vaultkey.ErrAbsent):
		return "etcd holds no unseal key; a sealed Vault is unsealed by hand: vault operator unseal, or neco vault store-unseal-key", true
	}
	return "", false
}

// unsealRetries is how often the client repeats a request to a Vault that has just been
// started and does not accept connections yet. It is so high that etcdTimeout, not the
// count, ends the attempts.
const unsealRetries = 20

// unseal unseals the Vault of this server, within etcdTimeout, and returns a text about
// the result. It fails with errNotSetUp if this server has no configuration, and with
// vaultkey.ErrAbsent if etcd has no unseal key.
func unseal(ctx context.Context, env *Env) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, etcdTimeout)
	defer cancel()
	if there, err := env.FS.Exists(neco.NecoConfFile); err == nil && !there {
		return "", errNotSetUp
	}
	keys, err := unsealKeys(ctx, env)
	if err != nil {
		return "", err
	}
	client, err := vault.Open(vault.Local, env.FS.Path(neco.ServerCAFile), "")
	if err != nil {
		return "", err
	}
	client.SetMaxRetries(unsealRetries)
	opened, err := vault.UnsealAny(ctx, client, keys)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "", hint(fmt.Errorf("vault does not answer: %w", err), "start Vault: systemctl status vault")
	case err != nil:
		return "", err
	case opened:
		return "Vault is unsealed", nil
	}
	return "Vault was unsealed already", nil
}

// unsealKeys returns the unseal keys in etcd that this server can decrypt. A server
// that was migrated from cybozu-go/neco, which this Neco replaces, has no host key: on
// such a server it returns the keys that are stored unencrypted.
func unsealKeys(ctx context.Context, env *Env) (keys []string, err error) {
	id, err := hostkey.Find(env.FS)
	if err != nil && !errors.Is(err, hostkey.ErrNone) {
		return nil, err
	}
	err = env.withStorage(func(s *storage.Storage) error {
		return env.patient(ctx, s, etcdTimeout, func(ctx context.Context) error {
			keys, err = vaultkey.UnsealKeys(ctx, s.Client(), id)
			return err
		})
	})
	return keys, err
}

func explainUnseal(err error) error {
	switch {
	case errors.Is(err, hostkey.ErrCannotOpen):
		return hint(err, "the unseal key is not encrypted to this boot server; print it on another one (neco vault show-unseal-key), and type it here into vault operator unseal; the next update encrypts it to this server, too")
	case errors.Is(err, vaultkey.ErrAbsent):
		return hint(err, noUnsealKey)
	case errors.Is(err, vault.ErrHalfSealed):
		return hint(err, "neco-worker does so within a minute; by hand: systemctl restart vault")
	case errors.Is(err, vault.ErrUninitialized):
		return hint(err, "neco setup initialises it")
	}
	return err
}

// storedKey returns the unseal key or the root token: get reads it from etcd and
// decrypts it with this server's host key.
func storedKey(ctx context.Context, env *Env, get vaultkey.Reader) (key string, err error) {
	id, err := hostIdentity(env)
	if err != nil {
		return "", err
	}
	err = env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		key, err = get(ctx, s.Client(), id)
		return err
	})
	return key, err
}

func newVaultShowCmd(env *Env, name, short string, get vaultkey.Reader, absent string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := storedKey(cmd.Context(), env, get)
			if errors.Is(err, vaultkey.ErrAbsent) {
				return hint(err, "%s", absent)
			}
			if err != nil {
				return explainUnseal(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), key)
			return nil
		},
	}
}

func newVaultRemoveCmd(env *Env) *cobra.Command {
	var agreed consent
	cmd := &cobra.Command{
		Use:   "remove-unseal-key",
		Short: "Remove the unseal key from etcd",
		Long: `Remove the unseal key from etcd. From then on Vault stays sealed after each
restart until somebody unseals it by hand: write the key down before, see
neco vault show-unseal-key. An update that restarts Vault waits for that on each
boot server in turn. neco vault store-unseal-key puts the key back. The removal
has to be confirmed, on a terminal or by --yes.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error { return removeUnsealKey(cmd, env, agreed) },
	}
	agreed.register(cmd)
	return cmd
}

// removeUnsealKey deletes the unseal key from etcd after the operator has confirmed it.
func removeUnsealKey(cmd *cobra.Command, env *Env, agreed consent) error {
	out := cmd.OutOrStdout()
	var has bool
	err := env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) (err error) {
		has, err = vaultkey.Has(ctx, s.Client(), vaultkey.KeyUnseal)
		return err
	})
	if err != nil {
		return err
	}
	if !has {
		fmt.Fprintln(out, "etcd holds no unseal key: nothing is changed")
		return nil
	}
	fmt.Fprintln(out, "This will\n  delete the unseal key from etcd: nobody can unseal Vault who has not written it down\n"+
		"  (neco vault show-unseal-key), and each restart of Vault waits for that person")
	if err := agreed.get(cmd); err != nil {
		return err
	}
	return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
		if err := vaultkey.Remove(ctx, s.Client(), vaultkey.KeyUnseal); err != nil {
			return err
		}
		fmt.Fprintln(out, "the unseal key is removed: from now on Vault is unsealed by hand after each restart, in an update, too")
		return nil
	})
}

func newVaultGenerateRootCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "generate-root",
		Short: "Make a new root token with the unseal key, and print it",
		Long: `Make a new root token of Vault with the unseal key in etcd, and print it. Revoke
it when the work is done: vault token revoke -self.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), vaultTimeout)
			defer cancel()
			key, err := storedKey(ctx, env, vaultkey.Unseal)
			if err != nil {
				return explainUnseal(err)
			}
			client, err := vault.Open(vault.Local, env.FS.Path(neco.ServerCAFile), "")
			if err != nil {
				return err
			}
			token, err := vault.GenerateRoot(ctx, client, key)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), token)
			return nil
		},
	}
}

// vaultTimeout is how long a command waits for its requests to Vault before it fails,
// including the time in which the operator logs in.
const vaultTimeout = time.Minute
