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

// These constants are further etcd keys below Neco's prefix.
const (
	// KeyUnsealNext is the etcd key of the new unseal key during a rekey. After an
	// interrupted rekey, Vault may already use the new unseal key.
	KeyUnsealNext = storage.KeyVaultUnsealNext
	// KeySealedTo is the etcd key of the list of public keys to which the unseal key is
	// encrypted. The encrypted text does not show them. The list is not authenticated.
	KeySealedTo = storage.KeyVaultSealedTo
)

// UnsealKeys returns the unseal keys in etcd that id can decrypt: the current key and,
// during a rekey, the new key after it. If no key is stored, it returns ErrAbsent. If
// the current key cannot be decrypted, it returns the error of the decryption.
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

// NextKey is the new unseal key that is stored in etcd during a rekey.
type NextKey struct {
	Key string
	// sealed is the encrypted key as stored in etcd, rev the revision at which it was
	// stored.
	sealed string
	rev    int64
}

// String returns the name of the etcd key, so that the secret does not appear in logs.
func (NextKey) String() string { return KeyUnsealNext }

// Next returns the new unseal key. It returns ErrAbsent if none is stored,
// hostkey.ErrCannotOpen if the key is not encrypted to id, and hostkey.ErrNotSealed if
// it is not encrypted.
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

// PutNext stores key, the new unseal key, in etcd beside the current one, encrypted to
// recipients. If a new key is already stored, PutNext returns an error, because Vault
// may use that key.
func PutNext(ctx context.Context, etcd clientv3.KV, key string, recipients []string) (NextKey, error) {
	sealed, err := hostkey.Seal([]byte(key), recipients)
	if err != nil {
		return NextKey{}, fmt.Errorf("store %s: %w", KeyUnsealNext, err)
	}
	rev, err := swap(ctx, etcd, KeyUnsealNext, 0, clientv3.OpPut(KeyUnsealNext, sealed))
	return NextKey{key, sealed, rev}, err
}

// Promote replaces the current unseal key in etcd by next, in one transaction.
// recipients are the public keys to which next is encrypted.
func Promote(ctx context.Context, etcd clientv3.KV, next NextKey, recipients []string) error {
	list, err := json.Marshal(recipients)
	if err != nil {
		return err
	}
	_, err = swap(ctx, etcd, KeyUnseal, next.rev,
		clientv3.OpPut(KeyUnseal, next.sealed), clientv3.OpPut(KeySealedTo, string(list)), clientv3.OpDelete(KeyUnsealNext))
	return err
}

// RemoveNext deletes the new unseal key from etcd. Vault must not be using it.
func RemoveNext(ctx context.Context, etcd clientv3.KV, next NextKey) error {
	_, err := swap(ctx, etcd, KeyUnsealNext, next.rev, clientv3.OpDelete(KeyUnsealNext))
	return err
}

// swap executes ops in one transaction if KeyUnsealNext is still at the revision rev,
// and returns the new revision; otherwise the error wraps errChanged. key is the name
// of the etcd key that is being stored; it is used in error texts only.
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

// errChanged reports that another process has changed an etcd key since it was read.
var errChanged = errors.New("another process has changed it meanwhile")
