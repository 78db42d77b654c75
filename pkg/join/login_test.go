package join

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/setup"
)

// newRun is a join on a server whose files are at root, by the token.
func newRun(t *testing.T, root string, v *vaultServer, token Token) *run {
	t.Helper()
	r := &run{vault: v.client(t), Options: Options{
		Host: setup.Host{FS: host.FS{Root: root}}, Self: token.Subject(), Token: &token,
		Now: func() time.Time { return token.Expires.Add(-time.Minute) },
	}}
	var err error
	if r.progress, err = loadProgress(r.FS); err != nil {
		t.Fatal(err)
	}
	return r
}

var someToken = Token{LRN: 3, HostName: "boot-3", RoleID: "role", Secret: "once", Expires: time.Unix(1e9, 0)}

func TestAJoinThatIsCutOffGoesOnWithTheSameToken(t *testing.T) {
	for _, heard := range []bool{false, true} {
		for cut := 1; cut <= 3; cut++ { // login, registration, login
			root := t.TempDir()
			v := &vaultServer{token: "once", cut: cut, heard: heard}
			_ = logIn(t.Context(), newRun(t, root, v, someToken)) // a lost reply may be made up for
			r := newRun(t, root, v, someToken)
			if err := logIn(t.Context(), r); err != nil {
				t.Errorf("request %d cut off (heard: %t): %v", cut, heard, err)
			}
			if _, err := r.FS.Read(renewal.CredentialsFile); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestATokenIsGoodForOneServer(t *testing.T) {
	v := &vaultServer{token: "once"}
	if err := logIn(t.Context(), newRun(t, t.TempDir(), v, someToken)); err != nil {
		t.Fatal(err)
	}
	first := v.secret
	t.Run("another one is refused and left as it was", func(t *testing.T) {
		r := newRun(t, t.TempDir(), v, someToken)
		if err := logIn(t.Context(), r); !errors.Is(err, ErrTokenUsed) {
			t.Errorf("got %v, want %v", err, ErrTokenUsed)
		}
		for _, name := range []string{Dir, renewal.CredentialsFile} {
			if _, err := r.FS.Stat(name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("after its time", func(t *testing.T) {
		r := newRun(t, t.TempDir(), v, someToken)
		r.Now = func() time.Time { return someToken.Expires }
		if err := logIn(t.Context(), r); !errors.Is(err, ErrTokenExpired) {
			t.Errorf("got %v, want %v", err, ErrTokenExpired)
		}
	})
	if v.secret != first {
		t.Error("the secret of the first is not registered any more")
	}
}

func TestASecretBelongsToOneToken(t *testing.T) {
	var p progress
	first := p.secretFor(someToken)
	if again := p.secretFor(someToken); again != first {
		t.Error("the same token gets another secret")
	}
	other := someToken
	other.Secret = "twice"
	if p.secretFor(other) == first {
		t.Error("another token gets the same secret")
	}
}
