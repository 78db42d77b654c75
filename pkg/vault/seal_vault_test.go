//go:build vault

package vault_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/vault"
)

func TestVaultTellsWhyItDoesNotServe(t *testing.T) {
	prefix := cluster.Prefix()
	s := vaulttest.Start(t, cluster.Endpoints(), prefix)
	c := s.Client(t, "")
	if err := vault.Serves(t.Context(), c); !errors.Is(err, vault.ErrUninitialized) {
		t.Errorf("got %v, want %v", err, vault.ErrUninitialized)
	}
	if _, err := vault.Unseal(t.Context(), c, "key"); !errors.Is(err, vault.ErrUninitialized) {
		t.Errorf("got %v, want %v", err, vault.ErrUninitialized)
	}
	key, _, err := vault.Initialize(t.Context(), c)
	must(t, err)
	if err := vault.Serves(t.Context(), c); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("got %v, want %v", err, vault.ErrSealed)
	}
	opened, err := vault.UnsealAny(t.Context(), c, []string{otherKey(t), key})
	if err != nil || !opened {
		t.Errorf("got %t, %v", opened, err)
	}
	opened, err = vault.Unseal(t.Context(), c, key)
	if err != nil || opened {
		t.Errorf("once more: got %t, %v", opened, err)
	}
	await(t, "it serves", func() error { return vault.Serves(t.Context(), c) })

	standby := vaulttest.Start(t, cluster.Endpoints(), prefix).Client(t, "")
	if err := vault.Serves(t.Context(), standby); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("a second node: got %v, want %v", err, vault.ErrSealed)
	}
	_, err = vault.Unseal(t.Context(), standby, key)
	must(t, err)
	await(t, "the second serves", func() error { return vault.Serves(t.Context(), standby) })
	for _, tt := range []struct {
		c    *api.Client
		want bool
	}{{c, true}, {standby, false}} {
		if active, err := vault.Active(t.Context(), tt.c); err != nil || active != tt.want {
			t.Errorf("active: %t, %v; want %t", active, err, tt.want)
		}
	}
}

// otherKey returns the unseal key of another Vault.
func otherKey(t *testing.T) string {
	t.Helper()
	key, _ := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix()).Open(t)
	return key
}

// TestAWrongUnsealKeyIsNamedAndNotRepeated checks that no error contains a wrong unseal
// key, because it may be the right one with a typing error.
func TestAWrongUnsealKeyIsNamedAndNotRepeated(t *testing.T) {
	s := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix())
	_, root := s.Open(t)
	open := s.Client(t, root)
	sealed := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix()).Client(t, "")
	_, _, err := vault.Initialize(t.Context(), sealed)
	must(t, err)
	for name, key := range map[string]string{
		"of another Vault": otherKey(t), "no base 64": "hello world!", "too short": "aGVsbG8=", "hexadecimal": strings.Repeat("ab", 32),
	} {
		for what, err := range map[string]error{
			"unseal":        second(vault.Unseal(t.Context(), sealed, key)),
			"rekey":         second(vault.BeginRekey(t.Context(), open, key)),
			"generate root": second(vault.GenerateRoot(t.Context(), open, key)),
		} {
			if !errors.Is(err, vault.ErrBadKey) || strings.Contains(err.Error(), key) {
				t.Errorf("%s with a key that is %s: %v", what, name, err)
			}
		}
		if used, err := vault.KeyInUse(t.Context(), open, key); err != nil || used {
			t.Errorf("a key that is %s is in use: %t, %v", name, used, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestARekeyIsInForceOnceItIsCommitted(t *testing.T) {
	s := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix())
	key, root := s.Open(t)
	c := s.Client(t, root)
	inUse := func(key string, want bool) {
		t.Helper()
		if used, err := vault.KeyInUse(t.Context(), c, key); err != nil || used != want {
			t.Errorf("in use: %t, %v; want %t", used, err, want)
		}
	}
	forgotten, err := vault.BeginRekey(t.Context(), c, key)
	must(t, err)
	inUse(key, true)
	inUse(forgotten.Key, false)
	if err := forgotten.Commit(t.Context(), c); err == nil {
		t.Error("an attempt that was given up is committed")
	}
	next, err := vault.BeginRekey(t.Context(), c, key)
	must(t, err)
	must(t, next.Commit(t.Context(), c), vault.Rotate(t.Context(), c))
	inUse(key, false)
	inUse(next.Key, true)
	must(t, c.Sys().SealWithContext(t.Context()))
	if _, err := vault.Unseal(t.Context(), c, key); !errors.Is(err, vault.ErrBadKey) {
		t.Errorf("with the old key: %v, want %v", err, vault.ErrBadKey)
	}
	_, err = vault.Unseal(t.Context(), c, next.Key)
	must(t, err)
}

func TestARootTokenIsMadeWhateverSomebodyHasLeftUnfinished(t *testing.T) {
	s := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix())
	key, _ := s.Open(t)
	c := s.Client(t, "")
	_, err := c.Sys().GenerateRootInitWithContext(t.Context(), "", "")
	must(t, err)
	token, err := vault.GenerateRoot(t.Context(), c, key)
	must(t, err)
	root := s.Client(t, token)
	self, err := root.Auth().Token().LookupSelfWithContext(t.Context())
	must(t, err)
	if policies, err := self.TokenPolicies(); err != nil || !slices.Equal(policies, []string{"root"}) {
		t.Errorf("policies %v (%v)", policies, err)
	}
	must(t, vault.Revoke(t.Context(), root))
	if works, err := vault.TokenWorks(t.Context(), s.Client(t, token)); err != nil || works {
		t.Errorf("a revoked token works: %t, %v", works, err)
	}
	must(t, vault.Revoke(t.Context(), s.Client(t, token))) // it has ended already
}

// TestAHalfSealedVaultIsNamed makes Vault fail just after a standby has taken the lock
// of the active node. The same happens if etcd does not answer for five seconds at that
// moment. Such a Vault seals its storage and never takes the lock again, but still
// reports that it is unsealed.
func TestAHalfSealedVaultIsNamed(t *testing.T) {
	prefix := cluster.Prefix()
	s := vaulttest.Start(t, cluster.Endpoints(), prefix)
	key, root := s.Open(t)
	standby := vaulttest.Start(t, cluster.Endpoints(), prefix).Client(t, "")
	_, err := vault.Unseal(t.Context(), standby, key)
	must(t, err)
	await(t, "the standby serves", func() error { return vault.Serves(t.Context(), standby) })

	etcd := cluster.NewClient(t, prefix)
	const generation = "core/seal-gen-info"
	_, err = etcd.Put(t.Context(), generation, "no JSON")
	must(t, err, s.Client(t, root).Sys().StepDownWithContext(t.Context()))
	await(t, "the standby is half sealed", func() error {
		if err := vault.Serves(t.Context(), standby); !errors.Is(err, vault.ErrHalfSealed) {
			return fmt.Errorf("not yet: %w", err)
		}
		return nil
	})
	if opened, err := vault.Unseal(t.Context(), standby, key); opened || !errors.Is(err, vault.ErrHalfSealed) {
		t.Errorf("unsealed: %t, %v; want %v", opened, err, vault.ErrHalfSealed)
	}
	_, err = etcd.Delete(t.Context(), generation)
	must(t, err)
	restarted := vaulttest.Start(t, cluster.Endpoints(), prefix).Client(t, "")
	_, err = vault.Unseal(t.Context(), restarted, key)
	must(t, err)
	await(t, "a restarted one serves", func() error { return vault.Serves(t.Context(), restarted) })
	if err := vault.Serves(t.Context(), standby); !errors.Is(err, vault.ErrHalfSealed) {
		t.Errorf("beside an active node: %v, want %v", err, vault.ErrHalfSealed)
	}
}
