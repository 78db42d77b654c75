package join

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/internal/vaultclient"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// rekey gives Vault a new unseal key, if etcd holds the old one.  At each moment
// a key that opens Vault is stored, sealed to those that stay: the new one beside
// the old one before Vault uses it.
func (d Departure) rekey(ctx context.Context) (says string, err error) {
	recipients, err := d.recipients(ctx)
	if err != nil {
		return "", err
	}
	if err := d.settleNext(ctx, recipients); err != nil {
		return "", err
	}
	key, err := vaultkey.Unseal(ctx, d.Etcd, d.Identity)
	if errors.Is(err, vaultkey.ErrAbsent) {
		return "Vault has the unseal key that it had: etcd holds none. Who has left may know it, rekey Vault by hand: vault operator rekey", nil
	}
	if err != nil {
		return "", err
	}
	made, err := vault.BeginRekey(ctx, d.Vault, key)
	if err != nil {
		return "", err
	}
	next, err := vaultkey.PutNext(ctx, d.Etcd, made.Key, recipients)
	if err != nil {
		return "", err
	}
	if err := made.Commit(ctx, d.Vault); err != nil {
		return "", err
	}
	if err := vaultkey.Promote(ctx, d.Etcd, next, recipients); err != nil {
		return "", err
	}
	return "Vault has a new unseal key", vault.Rotate(ctx, d.Vault)
}

// endRoot revokes the root token that setup was told to keep: who leaves knows
// it.
func (d Departure) endRoot(ctx context.Context) (says string, err error) {
	token, err := vaultkey.Root(ctx, d.Etcd, d.Identity)
	if errors.Is(err, vaultkey.ErrAbsent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	root, err := vaultclient.Copy(d.Vault, "", token)
	if err != nil {
		return "", err
	}
	if err := vault.Revoke(ctx, root); err != nil {
		return "", err
	}
	return "the root token that setup kept is revoked: neco vault generate-root makes another one",
		vaultkey.Remove(ctx, d.Etcd, vaultkey.KeyRoot)
}

// settleNext decides about the new key of a try that was cut off: either Vault
// uses it, or it uses the current one.  If it seems to use neither, both stay.
func (d Departure) settleNext(ctx context.Context, recipients []string) error {
	next, err := vaultkey.Next(ctx, d.Etcd, d.Identity)
	if errors.Is(err, vaultkey.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	used, err := vault.ResumeRekey(ctx, d.Vault, next.Key)
	if err == nil && !used {
		used, err = vault.KeyInUse(ctx, d.Vault, next.Key)
	}
	if used {
		return vaultkey.Promote(ctx, d.Etcd, next, recipients)
	}
	if err != nil && !errors.Is(err, vault.ErrTorn) {
		return err
	}
	torn := err
	key, err := vaultkey.Unseal(ctx, d.Etcd, d.Identity)
	if err == nil {
		used, err = vault.KeyInUse(ctx, d.Vault, key)
	}
	switch {
	case used:
		return vaultkey.RemoveNext(ctx, d.Etcd, next)
	case torn != nil:
		return fmt.Errorf("%s, which stays: %w", vaultkey.KeyUnsealNext, torn)
	case err != nil && !errors.Is(err, vaultkey.ErrAbsent):
		return err
	}
	return errNeitherKey
}

// errNeitherKey: somebody has rekeyed Vault by hand.
var errNeitherKey = errors.New("neither " + vaultkey.KeyUnseal + " nor " + vaultkey.KeyUnsealNext +
	" in etcd is the unseal key of Vault, and both stay: put the right one there with neco vault store-unseal-key")
