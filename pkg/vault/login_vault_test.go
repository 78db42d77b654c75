//go:build vault

package vault_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/vault"
)

func TestNewCredentialsRetireTheOldOnes(t *testing.T) {
	c := newCentre(t)
	old, err := vault.NewCredentials(t.Context(), c.root, 0, false)
	must(t, err)
	beside, err := vault.NewCredentials(t.Context(), c.root, 0, false)
	must(t, err)
	must(t, vault.Login(t.Context(), c.Client(t, ""), old), vault.Login(t.Context(), c.Client(t, ""), beside))
	now, err := vault.NewCredentials(t.Context(), c.root, 0, true)
	must(t, err)
	for _, retired := range []vault.Credentials{old, beside} {
		if err := vault.Login(t.Context(), c.Client(t, ""), retired); !vault.BadCredentials(err) {
			t.Errorf("got %v", err)
		}
	}
	must(t, vault.Login(t.Context(), c.Client(t, ""), now))
}

// TestLoginsInVainLockNoBootServerOut checks that failed logins do not lock a boot
// server out. Its role ID is not secret, so anybody could cause them.
func TestLoginsInVainLockNoBootServerOut(t *testing.T) {
	c := newCentre(t)
	good, err := vault.NewCredentials(t.Context(), c.root, 0, false)
	must(t, err)
	bad := good
	bad.SecretID = "guessed"
	for range 6 { // Vault counts to five
		if err := vault.Login(t.Context(), c.Client(t, ""), bad); !vault.BadCredentials(err) {
			t.Errorf("got %v", err)
		}
	}
	must(t, vault.Login(t.Context(), c.Client(t, ""), good))
}

func TestAJoinTokenRegistersOneSecretOnce(t *testing.T) {
	c := newCentre(t)
	nobody := c.Client(t, "")
	ends := func(what string, token vault.JoinToken) {
		t.Helper()
		await(t, what, func() error {
			lives, err := vault.TokenExists(t.Context(), c.root, token.Accessor)
			if err == nil && lives {
				return errors.New("it lives")
			}
			return err
		})
	}
	make := func(ttl time.Duration) vault.JoinToken {
		t.Helper()
		token, err := vault.NewJoinToken(t.Context(), c.root, 1, ttl)
		must(t, err)
		return token
	}
	token := make(time.Hour)
	if lives, err := vault.TokenExists(t.Context(), c.root, token.Accessor); err != nil || !lives {
		t.Errorf("a new token lives: %t, %v", lives, err)
	}
	must(t, vault.Register(t.Context(), nobody, 1, token.Secret, "a secret that is long enough"))
	ends("a token that was used", token)
	role, err := vault.RoleID(t.Context(), c.root, 1)
	must(t, err)
	must(t, vault.Login(t.Context(), c.Client(t, ""), vault.Credentials{RoleID: role, SecretID: "a secret that is long enough"}))
	if err := vault.Register(t.Context(), nobody, 1, token.Secret, "a second one"); !vault.Denied(err) {
		t.Errorf("used twice: %v", err)
	}

	other := make(time.Hour)
	if err := vault.Register(t.Context(), nobody, 2, other.Secret, "a secret of another"); !vault.Denied(err) {
		t.Errorf("for another server: %v", err)
	}
	if err := vault.Register(t.Context(), nobody, 1, other.Secret, "after that"); !vault.Denied(err) {
		t.Errorf("its one use was spent on another server: %v", err)
	}

	revoked := make(time.Hour)
	must(t, vault.RevokeAccessor(t.Context(), c.root, revoked.Accessor), vault.RevokeAccessor(t.Context(), c.root, revoked.Accessor))
	ends("a token that was revoked", revoked)
	if err := vault.Register(t.Context(), nobody, 1, revoked.Secret, "one that is revoked"); !vault.Denied(err) {
		t.Errorf("revoked: %v", err)
	}

	short := make(time.Second)
	ends("a token of a second", short)
	if err := vault.Register(t.Context(), nobody, 1, short.Secret, "one that is over"); !vault.Denied(err) {
		t.Errorf("expired: %v", err)
	}
}

// TestATokenIsNotGoneBecauseOneMayNotLook checks that a missing permission is not
// reported as the end of a token.
func TestATokenIsNotGoneBecauseOneMayNotLook(t *testing.T) {
	c := newCentre(t)
	token, err := vault.NewJoinToken(t.Context(), c.root, 1, time.Hour)
	must(t, err)
	boot := c.logIn(t, 1)
	if _, err := vault.TokenExists(t.Context(), boot, token.Accessor); !vault.Denied(err) {
		t.Errorf("got %v", err)
	}
	if err := vault.RevokeAccessor(t.Context(), boot, token.Accessor); !vault.Denied(err) {
		t.Errorf("got %v", err)
	}
}
