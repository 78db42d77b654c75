package vaultkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
)

// Keys below Neco's prefix that are there besides.
const (
	// KeyUnsealNext is the unseal key that Vault is about to use, or uses
	// already if whoever rekeyed it was killed.
	KeyUnsealNext = "vault-unseal-key-next"
	// KeySealedTo lists to whom KeyUnseal is sealed: the sealed text does not
	// tell.  Nobody is trusted for standing in it.
	KeySealedTo = "vault-unseal-key-recipients"
)

// UnsealKeys returns the keys that Vault may have now, the current one first;
// ErrAbsent if there is none.
func UnsealKeys(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) ([]string, error) {
	var keys []string
	for _, key := range []string{KeyUnseal, KeyUnsealNext} {
		plain, err := open(ctx, etcd, key, id)
		switch {
		case errors.Is(err, ErrAbsent):
		case err != nil && len(keys) == 0:
			return nil, err
		case err == nil:
			keys = append(keys, plain)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: %w", KeyUnseal, ErrAbsent)
	}
	return keys, nil
}

// Next returns the key that Vault is about to use, like Unseal.
func Next(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error) {
	return open(ctx, etcd, KeyUnsealNext, id)
}

// PutNext stores the key that Vault is about to use, sealed to recipients,
// beside the current one.
func PutNext(ctx context.Context, etcd clientv3.KV, key string, recipients []string) error {
	sealed, err := hostkey.Seal([]byte(key), recipients)
	if err != nil {
		return fmt.Errorf("store %s: %w", KeyUnsealNext, err)
	}
	if _, err := etcd.Put(ctx, KeyUnsealNext, sealed); err != nil {
		return fmt.Errorf("store %s: %w", KeyUnsealNext, err)
	}
	return nil
}

// Promote makes the next key, which was sealed to recipients, the current one.
func Promote(ctx context.Context, etcd clientv3.KV, recipients []string) error {
	sealed, rev, err := get(ctx, etcd, KeyUnsealNext)
	if err != nil {
		return err
	}
	list, err := json.Marshal(recipients)
	if err != nil {
		return err
	}
	res, err := etcd.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(KeyUnsealNext), "=", rev)).Then(
		clientv3.OpPut(KeyUnseal, string(sealed)), clientv3.OpPut(KeySealedTo, string(list)), clientv3.OpDelete(KeyUnsealNext),
	).Commit()
	if err != nil {
		return fmt.Errorf("store %s: %w", KeyUnseal, err)
	}
	if !res.Succeeded {
		return fmt.Errorf("store %s: %w", KeyUnseal, errChanged)
	}
	return nil
}

// errChanged: somebody else was quicker.
var errChanged = errors.New("somebody else has changed it")
