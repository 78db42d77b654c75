//go:build vault

package join

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/vault"
)

// issue issues a token for boot server 3.
func (v *realVault) issue(t *testing.T, ttl time.Duration) Token {
	t.Helper()
	operator := v.Client(t, v.operator)
	i := Issuer{Vault: operator, Etcd: cluster.NewClient(t, cluster.Prefix()), Now: time.Now}
	if err := i.admit(t.Context(), someToken.Subject()); err != nil {
		t.Fatal(err)
	}
	made, err := vault.NewJoinToken(t.Context(), operator, someToken.LRN, ttl)
	if err != nil {
		t.Fatal(err)
	}
	token := someToken
	token.Secret, token.Expires = made.Secret, time.Now().Add(ttl)
	if token.RoleID, err = vault.RoleID(t.Context(), operator, token.LRN); err != nil {
		t.Fatal(err)
	}
	return token
}

// newRun returns a join with the given token, on a server whose files are below root.
func newRun(t *testing.T, root string, v *api.Client, token Token) *run {
	t.Helper()
	r := &run{vault: v, Options: Options{
		Host: setup.Host{FS: host.FS{Root: root}}, Self: token.Subject(), Token: &token,
		Now: func() time.Time { return token.Expires.Add(-time.Second) },
	}}
	var err error
	if r.progress, err = loadProgress(r.FS); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAJoinThatIsCutOffGoesOnWithTheSameToken(t *testing.T) {
	v := startVault(t)
	for _, heard := range []bool{false, true} {
		for at := 1; at <= 3; at++ { // login, registration, login
			root, token := t.TempDir(), v.issue(t, time.Hour)
			cut := &vaulttest.Cut{At: at, Heard: heard}
			_ = logIn(t.Context(), newRun(t, root, cut.Over(t, v.Server, ""), token)) // it may succeed in spite of a lost answer
			if !cut.Reached() {
				t.Errorf("there was no request %d", at)
			}
			r := newRun(t, root, v.Client(t, ""), token)
			if err := logIn(t.Context(), r); err != nil {
				t.Errorf("request %d cut off (heard: %t): %v", at, heard, err)
			}
			if _, err := r.FS.Read(renewal.CredentialsFile); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestATokenThatVaultsEtcdHasUsedUpIsNamed lets etcd refuse the write of the secret ID.
// Vault counts the use of a token before that write, so the token is used up although
// nobody has stolen it.
func TestATokenThatVaultsEtcdHasUsedUpIsNamed(t *testing.T) {
	storage := vaulttest.StorageAt(t, cluster.Endpoints()[0])
	v := startVaultAt(t, []string{storage.Endpoint})
	root, token := t.TempDir(), v.issue(t, time.Hour)
	storage.Refuse("secret_id/", false)
	err := logIn(t.Context(), newRun(t, root, v.Client(t, ""), token))
	if !errors.Is(err, ErrTokenUnsure) || !storage.Refused() {
		t.Errorf("got %v, want %v", err, ErrTokenUnsure)
	}
	if err := logIn(t.Context(), newRun(t, root, v.Client(t, ""), token)); !errors.Is(err, ErrTokenUsed) {
		t.Errorf("got %v, want %v", err, ErrTokenUsed)
	}
	if err := logIn(t.Context(), newRun(t, root, v.Client(t, ""), v.issue(t, time.Hour))); err != nil {
		t.Errorf("with a new one: %v", err)
	}
}

func TestATokenIsGoodForOneServer(t *testing.T) {
	v := startVault(t)
	token := v.issue(t, time.Hour)
	first := newRun(t, t.TempDir(), v.Client(t, ""), token)
	if err := logIn(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	t.Run("another one is refused and left as it was", func(t *testing.T) {
		r := newRun(t, t.TempDir(), v.Client(t, ""), token)
		if err := logIn(t.Context(), r); !errors.Is(err, ErrTokenUsed) {
			t.Errorf("got %v, want %v", err, ErrTokenUsed)
		}
		checkNoTrace(t, r)
	})
	t.Run("after its time", func(t *testing.T) {
		r := newRun(t, t.TempDir(), v.Client(t, ""), token)
		r.Now = func() time.Time { return token.Expires }
		if err := logIn(t.Context(), r); !errors.Is(err, ErrTokenExpired) {
			t.Errorf("got %v, want %v", err, ErrTokenExpired)
		}
		checkNoTrace(t, r)
	})
	c := vault.Credentials{RoleID: token.RoleID, SecretID: first.progress.secretFor(token)}
	if err := vault.Login(t.Context(), v.Client(t, ""), c); err != nil {
		t.Errorf("the first cannot log in any more: %v", err)
	}
	v.issue(t, time.Hour)
	if err := vault.Login(t.Context(), v.Client(t, ""), c); !vault.BadCredentials(err) {
		t.Errorf("with another token for its LRN its secret is retired, and it still logs in: %v", err)
	}
}

func checkNoTrace(t *testing.T, r *run) {
	t.Helper()
	for _, name := range []string{Dir, renewal.CredentialsFile} {
		if _, err := r.FS.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
