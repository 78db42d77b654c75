// Package vaultkey owns what of Vault is kept in etcd: the unseal key and, for
// a while, a root token, both sealed to the boot servers' own keys; those keys'
// records; and whom recovery is sealed to.  With etcd's contents alone nobody
// opens Vault.
//
// Whoever holds the unseal key can make a root token.  The package must not
// know how Vault is talked to.  The etcd client is namespaced at Neco's prefix.
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

// Keys below Neco's prefix.
const (
	KeyUnseal    = storage.KeyVaultUnseal
	KeyRoot      = storage.KeyVaultRoot
	KeyHosts     = storage.KeyHostKeys
	KeyRecovery  = storage.KeyRecovery
	KeyAuthority = storage.KeyAuthorities
)

// ErrAbsent: there is no such key in etcd.
var ErrAbsent = errors.New("absent")

// Store writes the unseal key and, unless it is empty, the root token, sealed
// to recipients, both at once.
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

// Reader returns one of the keys, as Unseal and Root do.
type Reader func(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error)

// Unseal returns the unseal key; ErrAbsent if none is stored, and
// hostkey.ErrCannotOpen if it is not sealed to id.  A key in clear, as the
// original stored it, is returned too.
func Unseal(ctx context.Context, etcd clientv3.KV, id hostkey.Identity) (string, error) {
	return open(ctx, etcd, KeyUnseal, id)
}

// Root returns the root token, like Unseal.
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

// InClear says whether the unseal key or the root token is stored unsealed.
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

// Reseal seals what is stored anew, to recipients.  Who has changed it
// meanwhile wins, and that is an error.
func Reseal(ctx context.Context, etcd clientv3.KV, id hostkey.Identity, recipients []string) error {
	for _, key := range []string{KeyUnseal, KeyRoot} {
		if err := reseal(ctx, etcd, key, id, recipients); err != nil {
			return fmt.Errorf("seal %s anew: %w", key, err)
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

// Has says whether one of the keys is stored.
func Has(ctx context.Context, etcd clientv3.KV, key string) (bool, error) {
	_, _, err := get(ctx, etcd, key)
	if errors.Is(err, ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Remove deletes one of the keys.
func Remove(ctx context.Context, etcd clientv3.KV, key string) error {
	if _, err := etcd.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// get returns the value of a key and its revision.
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
