package join

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/internal/vaultclient"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// rekey replaces the unseal key of Vault. It does nothing if the key is not in etcd. It
// stores the new key in etcd, beside the old one, before Vault uses it: thus etcd
// always contains a key that unseals Vault, encrypted to the remaining servers. text
// describes the result for the operator.
func (d Departure) rekey(ctx context.Context) (text string, err error) {
	recipients, err := d.recipients(ctx)
	if err != nil {
		return "", err
	}
	if err := d.settleNext(ctx, recipients); err != nil {
		return "", err
	}
	key, err := vaultkey.Unseal(ctx, d.Etcd, d.Identity)
	if errors.Is(err, vaultkey.ErrAbsent) {
		return "the unseal key of Vault is unchanged, because etcd does not hold it; if boot servers that have left could read it, run: vault operator rekey", nil
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

// endRoot revokes the root token if setup kept it in etcd (--no-revoke), because the
// server that leaves could read the token there. text describes the result for the
// operator; it is empty if there was no root token.
func (d Departure) endRoot(ctx context.Context) (text string, err error) {
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
	return "the root token that setup kept is revoked; to make a new one, run: neco vault generate-root",
		vaultkey.Remove(ctx, d.Etcd, vaultkey.KeyRoot)
}

// settleNext completes or cancels an interrupted rekey. If Vault uses the new key, that
// key replaces the current one in etcd. If Vault uses the current key, settleNext
// deletes the new one. If Vault uses neither key, settleNext keeps both and returns an
// error.
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
		return fmt.Errorf("%s is kept: %w", vaultkey.KeyUnsealNext, torn)
	case err != nil && !errors.Is(err, vaultkey.ErrAbsent):
		return err
	}
	return errNeitherKey
}

// errNeitherKey reports that Vault uses an unseal key that is not in etcd, because an
// operator has rekeyed it.
var errNeitherKey = errors.New("neither " + vaultkey.KeyUnseal + " nor " + vaultkey.KeyUnsealNext +
	" in etcd is the unseal key of Vault; both are kept; store the right key with: neco vault store-unseal-key")
