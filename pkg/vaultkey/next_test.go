package vaultkey_test

import (
	"testing"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// TestOneWhoComesLateLeavesTheNextKeyAlone checks that a departure does not replace or
// delete the new unseal key of a concurrent one, because Vault may use that key
// already.
func TestOneWhoComesLateLeavesTheNextKeyAlone(t *testing.T) {
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	id, err := hostkey.Load(ctx, host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	to := []string{id.Recipient()}
	put := func(key string) vaultkey.NextKey {
		t.Helper()
		next, err := vaultkey.PutNext(ctx, etcd, key, to)
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	first := put("first")
	if err := vaultkey.RemoveNext(ctx, etcd, first); err != nil {
		t.Fatal(err)
	}
	second := put("second")
	if _, err := vaultkey.PutNext(ctx, etcd, "third", to); err == nil {
		t.Error("it was replaced")
	}
	if err := vaultkey.RemoveNext(ctx, etcd, first); err == nil {
		t.Error("it was deleted as the first")
	}
	if err := vaultkey.Promote(ctx, etcd, first, to); err == nil {
		t.Error("the first is the current one")
	}
	if next, err := vaultkey.Next(ctx, etcd, id); err != nil || next != second {
		t.Errorf("got %v, %v", next, err)
	}
	if err := vaultkey.Promote(ctx, etcd, second, to); err != nil {
		t.Fatal(err)
	}
	if keys, err := vaultkey.UnsealKeys(ctx, etcd, id); err != nil || len(keys) != 1 || keys[0] != "second" {
		t.Errorf("%d keys (%v)", len(keys), err)
	}
}
