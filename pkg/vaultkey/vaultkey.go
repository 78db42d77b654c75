// Package vaultkey owns the secrets of Vault in etcd: the unseal key and, until it is
// revoked, a root token, both encrypted to the host keys of the boot servers. It also
// owns the records of those host keys and the list of recovery keys. The contents of
// etcd alone do not suffice to unseal Vault.
//
// The unseal key permits its holder to make a root token. The package must not know the
// API of Vault. The etcd client must prepend Neco's prefix to all keys.
package vaultkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/storage"
)

// These constants are etcd keys below Neco's prefix.
const (
	KeyUnseal    = storage.KeyVaultUnseal
	KeyRoot      = storage.KeyVaultRoot
	KeyHosts     = storage.KeyHostKeys
	KeyRecovery  = storage.KeyRecovery
	KeyAuthority = storage.KeyAuthorities
)

// ErrAbsent reports that a key is not in etcd.
var ErrAbsent = errors.New("absent")

// Store writes the unseal key and the root token to etcd in one transaction, encrypted
// to the public keys recipients. It omits an empty key or token.
func Store(ctx context.Context, etcd clientv3.KV, unsealKey, rootToken string, recipients []string) error {
	var ops []clientv3.Op
	for key, value := range map[string]string{KeyUnseal: unsealKey, KeyRoot: rootToken} {
		if value == "" {
			continue
		}
		sealed, err := hostkey.Seal([]byte(value), recipients)
		if err != nil {
			return fmt.Errorf("store %s: %w", key, err)
		}
		ops = append(ops, clientv3.OpPut(key, sealed))
	}
	list, err := json.Marshal(recipients)
	if err != nil {
		return err
	}
	ops = append(ops, clientv3.OpPut(KeySealedTo, string(list)))
	if _, err := etcd.Txn(ctx).Then(ops...).Commit(); err != nil {
		return fmt.Errorf("store the keys of vault: %w", err)
	}
	return nil
}

// Reader is a function that reads a secret from etcd and decrypts it with id. Unseal
// and Root are such functions.
type Reader func(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error)

// Unseal returns the unseal key. It returns ErrAbsent if none is stored, and
// hostkey.ErrCannotOpen if the key is not encrypted to id. It also returns an
// unencrypted key, as stored by cybozu-go/neco, which this Neco replaces.
func Unseal(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error) {
	return open(ctx, etcd, KeyUnseal, id)
}

// Root returns the root token. Its errors are those of Unseal. Like Unseal, it also
// returns an unencrypted token.
func Root(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error) {
	return open(ctx, etcd, KeyRoot, id)
}

func open(ctx context.Context, etcd clientv3.KV, key string, id hostkey.Identity) (string, error) {
	data, _, err := get(ctx, etcd, key)
	if err != nil {
		return "", err
	}
	if !hostkey.Sealed(string(data)) {
		return strings.TrimSpace(string(data)), nil
	}
	plain, err := hostkey.Open(string(data), id)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return string(plain), nil
}

// InClear reports whether the unseal key or the root token is stored unencrypted.
func InClear(ctx context.Context, etcd clientv3.KV) (bool, error) {
	for _, key := range []string{KeyUnseal, KeyRoot} {
		data, _, err := get(ctx, etcd, key)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return false, err
		}
		if !hostkey.Sealed(string(data)) {
			return true, nil
		}
	}
	return false, nil
}

// Reseal encrypts the stored unseal key and root token again, to the public keys
// recipients. If another process changes one of the two at the same time, Reseal
// returns an error and does not overwrite the change.
func Reseal(ctx context.Context, etcd clientv3.KV, id hostkey.Identity, recipients []string) error {
	for _, key := range []string{KeyUnseal, KeyRoot} {
		if err := reseal(ctx, etcd, key, id, recipients); err != nil {
			return fmt.Errorf("encrypt %s again: %w", key, err)
		}
	}
	return nil
}

func reseal(ctx context.Context, etcd clientv3.KV, key string, id hostkey.Identity, recipients []string) error {
	_, rev, err := get(ctx, etcd, key)
	if errors.Is(err, ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := open(ctx, etcd, key, id)
	if err != nil {
		return err
	}
	sealed, err := hostkey.Seal([]byte(plain), recipients)
	if err != nil {
		return err
	}
	ops := []clientv3.Op{clientv3.OpPut(key, sealed)}
	if key == KeyUnseal {
		list, err := json.Marshal(recipients)
		if err != nil {
			return err
		}
		ops = append(ops, clientv3.OpPut(KeySealedTo, string(list)))
	}
	res, err := etcd.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", rev)).Then(ops...).Commit()
	if err == nil && !res.Succeeded {
		return errChanged
	}
	return err
}

// Has reports whether etcd contains the key.
func Has(ctx context.Context, etcd clientv3.KV, key string) (bool, error) {
	_, _, err := get(ctx, etcd, key)
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Remove deletes the key from etcd. It does nothing if the key is absent.
func Remove(ctx context.Context, etcd clientv3.KV, key string) error {
	if _, err := etcd.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// get returns the value of key and its ModRevision. It returns ErrAbsent if etcd does
// not contain the key.
func get(ctx context.Context, etcd clientv3.KV, key string) ([]byte, int64, error) {
	res, err := etcd.Get(ctx, key)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	if len(res.Kvs) == 0 {
		return nil, 0, fmt.Errorf("%s: %w", key, ErrAbsent)
	}
	return res.Kvs[0].Value, res.Kvs[0].ModRevision, nil
}
