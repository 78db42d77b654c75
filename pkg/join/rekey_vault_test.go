//go:build vault

package join

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// rekeyWrites are the etcd keys that Vault writes during a rekey, in order.
var rekeyWrites = []string{"core/hsm/barrier-unseal-keys", "core/keyring", "core/master", "core/shamir-kek", "core/seal-config", "core/canary-keyring"}

// TestARekeyThatEtcdDoesNotTakeHalfWayIsFinished lets etcd elect a leader at each of
// Vault's writes during a rekey. The departure waits for the end of the election;
// afterwards, the stored unseal key decrypts Vault's storage.
func TestARekeyThatEtcdDoesNotTakeHalfWayIsFinished(t *testing.T) {
	ca := newCA(t, pki.ServerCA)
	storage := vaulttest.StorageAt(t, cluster.Endpoints()[0])
	v := startVaultAt(t, []string{storage.Endpoint})
	key := v.key
	for _, write := range rekeyWrites {
		for _, heard := range []bool{false, true} {
			k := keep(t, v, ca, key)
			storage.Refuse(write, heard)
			if err := depart(t, k.departure(t, v.Client(t, v.operator))); err != nil {
				t.Errorf("%s (heard: %t): %v", write, heard, err)
			}
			if !storage.Refused() {
				t.Fatalf("%s is not written", write)
			}
			k.reopens(t)
			key = k.checkLeft(t)
		}
	}
}

// reopens seals Vault, and fails the test unless the stored key unseals it.
func (k *kept) reopens(t *testing.T) {
	t.Helper()
	keys, err := vaultkey.UnsealKeys(t.Context(), k.etcd, k.ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := k.v.root.Sys().SealWithContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := k.v.Client(t, "")
	if _, err := vault.UnsealAny(t.Context(), c, keys); err != nil {
		t.Fatalf("the %d keys in etcd: %v", len(keys), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := retry.Until(ctx, func() error { return vault.Serves(t.Context(), c) }); err != nil {
		t.Fatal(err)
	}
}

// TestNoUnsealKeyIsDeletedUnlessVaultUsesTheOther cancels, as an operator, a rekey that
// has stopped half-way. Only one of the two keys decrypts Vault's storage, and the next
// departure must delete neither.
func TestNoUnsealKeyIsDeletedUnlessVaultUsesTheOther(t *testing.T) {
	storage := vaulttest.StorageAt(t, cluster.Endpoints()[0])
	v := startVaultAt(t, []string{storage.Endpoint})
	k := keep(t, v, newCA(t, pki.ServerCA), v.key)
	d := k.departure(t, v.Client(t, v.operator))
	recipients, err := d.recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := vault.BeginRekey(t.Context(), d.Vault, k.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vaultkey.PutNext(t.Context(), k.etcd, made.Key, recipients); err != nil {
		t.Fatal(err)
	}
	storage.Refuse("core/master", true)
	if err := made.Commit(t.Context(), d.Vault); !retry.MayPass(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := vault.KeyInUse(t.Context(), d.Vault, made.Key); !errors.Is(err, vault.ErrTorn) {
		t.Fatalf("got %v, want %v", err, vault.ErrTorn)
	}
	if err := depart(t, d); !errors.Is(err, vault.ErrTorn) || strings.Contains(err.Error(), made.Key) {
		t.Errorf("got %v, want %v", err, vault.ErrTorn)
	}
	k.reopens(t)
	if err := depart(t, d); err != nil {
		t.Fatal(err)
	}
	k.checkLeft(t)
}

func TestBothUnsealKeysStayIfVaultUsesNeither(t *testing.T) {
	v := startVault(t)
	k := keep(t, v, newCA(t, pki.ServerCA), v.key)
	d := k.departure(t, v.Client(t, v.operator))
	recipients, err := d.recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, _ := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix()).Open(t)
	if err := vaultkey.Store(t.Context(), k.etcd, other, "", recipients); err != nil {
		t.Fatal(err)
	}
	if _, err := vaultkey.PutNext(t.Context(), k.etcd, other, recipients); err != nil {
		t.Fatal(err)
	}
	if err := depart(t, d); !errors.Is(err, errNeitherKey) {
		t.Errorf("got %v, want %v", err, errNeitherKey)
	}
	if keys, err := vaultkey.UnsealKeys(t.Context(), k.etcd, k.ids[0]); err != nil || len(keys) != 2 {
		t.Errorf("%d keys are left (%v), want 2", len(keys), err)
	}
	if err := vaultkey.Store(t.Context(), k.etcd, k.key, "", recipients); err != nil {
		t.Fatal(err)
	}
	if err := depart(t, d); err != nil {
		t.Error(err)
	}
	k.checkLeft(t)
}
