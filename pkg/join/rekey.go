package join

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/internal/vaultclient"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// rekey gives Vault a new unseal key, if etcd holds the old one.  It stores the new
// key beside the old one before Vault uses it, so that at any moment etcd holds a key
// that unseals Vault, encrypted to the remaining servers.  text is for the operator.
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

// endRoot revokes the root token, if setup kept it (--no-revoke), because the server
// that leaves could read it.  text is for the operator.
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

// settleNext resolves an interrupted rekey.  If Vault uses the new key, the new key
// replaces the current one in etcd; if Vault uses the current one, the new key is
// deleted.  If Vault seems to use neither, both are kept and an error is returned.
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

// errNeitherKey reports that Vault was rekeyed by hand.
var errNeitherKey = errors.New("neither " + vaultkey.KeyUnseal + " nor " + vaultkey.KeyUnsealNext +
	" in etcd is the unseal key of Vault; both are kept; store the right key with: neco vault store-unseal-key")
