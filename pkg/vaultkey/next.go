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

// More keys below Neco's prefix.
const (
	// KeyUnsealNext holds the new unseal key during a rekey.  Vault may use it already
	// if the rekey was interrupted.
	KeyUnsealNext = storage.KeyVaultUnsealNext
	// KeySealedTo lists the recipients of KeyUnseal, which the encrypted text does not
	// show.  The list is not authenticated.
	KeySealedTo = storage.KeyVaultSealedTo
)

// UnsealKeys returns the keys that may unseal Vault, the current one first, or
// ErrAbsent if none is stored.
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

// NextKey is the new unseal key during a rekey.
type NextKey struct {
	Key string
	// sealed is the encrypted key in etcd, at revision rev.
	sealed string
	rev    int64
}

// String returns the name of the key in etcd, to keep the secret out of logs.
func (NextKey) String() string { return KeyUnsealNext }

// Next returns the new unseal key, with the same errors as Unseal.
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

// PutNext stores the new unseal key, encrypted to recipients, beside the current one.  It
// returns an error if a new key is stored already, because Vault may use that one.
func PutNext(ctx context.Context, etcd clientv3.KV, key string, recipients []string) (NextKey, error) {
	sealed, err := hostkey.Seal([]byte(key), recipients)
	if err != nil {
		return NextKey{}, fmt.Errorf("store %s: %w", KeyUnsealNext, err)
	}
	rev, err := swap(ctx, etcd, KeyUnsealNext, 0, clientv3.OpPut(KeyUnsealNext, sealed))
	return NextKey{key, sealed, rev}, err
}

// Promote replaces the current unseal key with next, which is encrypted to recipients,
// in one transaction.
func Promote(ctx context.Context, etcd clientv3.KV, next NextKey, recipients []string) error {
	list, err := json.Marshal(recipients)
	if err != nil {
		return err
	}
	_, err = swap(ctx, etcd, KeyUnseal, next.rev,
		clientv3.OpPut(KeyUnseal, next.sealed), clientv3.OpPut(KeySealedTo, string(list)), clientv3.OpDelete(KeyUnsealNext))
	return err
}

// RemoveNext deletes the new unseal key, which Vault must not be using.
func RemoveNext(ctx context.Context, etcd clientv3.KV, next NextKey) error {
	_, err := swap(ctx, etcd, KeyUnsealNext, next.rev, clientv3.OpDelete(KeyUnsealNext))
	return err
}

// swap performs ops if KeyUnsealNext is still at revision rev, and returns the new
// revision.  key is named in errors.
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

// errChanged reports a concurrent change.
var errChanged = errors.New("another process has changed it meanwhile")
