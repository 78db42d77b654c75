//go:build vault

package setup

import (
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// TestAKeyThatWasStoredEndsTheInitialisation restarts a leader that was killed after it
// had stored the unseal key, but before it deleted storage.KeyVaultInit. A Vault whose
// unseal key is stored must never be wiped.
func TestAKeyThatWasStoredEndsTheInitialisation(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	client := cluster.NewClient(t, cluster.Prefix())
	r.change(func(s *state) { s.etcd = client })
	r.Vault = func(string) (*api.Client, error) { return nil, nil }
	var err error
	if r.identity, err = hostkey.Load(t.Context(), r.FS); err != nil {
		t.Fatal(err)
	}
	if err := vaultkey.Store(t.Context(), client, "key", "root", []string{r.identity.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), storage.KeyVaultInit, "begun"); err != nil {
		t.Fatal(err)
	}
	if err := initVault(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	res, err := client.Get(t.Context(), storage.KeyVaultInit)
	if err != nil || len(res.Kvs) != 0 {
		t.Errorf("%s is still there (%v)", storage.KeyVaultInit, err)
	}
	if r.state().rootToken != "root" {
		t.Error("the root token is not taken up")
	}
}
