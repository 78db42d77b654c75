package vaultkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Keys below Neco's prefix that are there besides.
const (
	// KeyUnsealNext is the unseal key that Vault is about to use, or uses
	// already if whoever rekeyed it was killed.
	KeyUnsealNext = storage.KeyVaultUnsealNext
	// KeySealedTo lists to whom KeyUnseal is sealed: the sealed text does not
	// tell.  Nobody is trusted for standing in it.
	KeySealedTo = storage.KeyVaultSealedTo
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

// NextKey is the unseal key that Vault is about to use.
type NextKey struct {
	Key string
	// sealed is the key as it is in etcd, at revision rev.
	sealed string
	rev    int64
}

// String keeps the key out of logs.
func (NextKey) String() string { return KeyUnsealNext }

// Next returns the key that Vault is about to use, like Unseal.
func Next(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (NextKey, error) {
	sealed, rev, err := get(ctx, etcd, KeyUnsealNext)
	if err != nil {
		return NextKey{}, err
	}
	plain, err := hostkey.Open(string(sealed), id)
	if err != nil {
		return NextKey{}, fmt.Errorf("%s: %w", KeyUnsealNext, err)
	}
	return NextKey{string(plain), string(sealed), rev}, nil
}

// PutNext stores the key that Vault is about to use, sealed to recipients,
// beside the current one.  It replaces none: that may be the one that opens Vault.
func PutNext(ctx context.Context, etcd clientv3.KV, key string, recipients []string) (NextKey, error) {
	sealed, err := hostkey.Seal([]byte(key), recipients)
	if err != nil {
		return NextKey{}, fmt.Errorf("store %s: %w", KeyUnsealNext, err)
	}
	rev, err := swap(ctx, etcd, KeyUnsealNext, 0, clientv3.OpPut(KeyUnsealNext, sealed))
	return NextKey{key, sealed, rev}, err
}

// Promote makes the next key, which was sealed to recipients, the current one.
func Promote(ctx context.Context, etcd clientv3.KV, next NextKey, recipients []string) error {
	list, err := json.Marshal(recipients)
	if err != nil {
		return err
	}
	_, err = swap(ctx, etcd, KeyUnseal, next.rev,
		clientv3.OpPut(KeyUnseal, next.sealed), clientv3.OpPut(KeySealedTo, string(list)), clientv3.OpDelete(KeyUnsealNext))
	return err
}

// RemoveNext deletes the next key, which Vault does not use.
func RemoveNext(ctx context.Context, etcd clientv3.KV, next NextKey) error {
	_, err := swap(ctx, etcd, KeyUnsealNext, next.rev, clientv3.OpDelete(KeyUnsealNext))
	return err
}

// swap writes key, and more, if the next key is at revision rev still, and returns
// the new one.
func swap(ctx context.Context, etcd clientv3.KV, key string, rev int64, ops ...clientv3.Op) (int64, error) {
	res, err := etcd.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(KeyUnsealNext), "=", rev)).Then(ops...).Commit()
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", key, err)
	}
	if !res.Succeeded {
		return 0, fmt.Errorf("store %s: %w", key, errChanged)
	}
	return res.Header.Revision, nil
}

// errChanged: somebody else was quicker.
var errChanged = errors.New("somebody else has changed it")
