package renewal_test

import (
	"errors"
	"testing"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// sealedFor returns the CAs, encrypted as by setup.
func sealedFor(t *testing.T, all renewal.Authorities, recipient string) []byte {
	t.Helper()
	plain, err := pki.MarshalCAs(all)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hostkey.Seal(plain, []string{recipient})
	if err != nil {
		t.Fatal(err)
	}
	return []byte(sealed)
}

// newIdentity returns a new age key.
func newIdentity(t *testing.T) hostkey.Identity {
	t.Helper()
	id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestARecoveryKeyReissuesWithEverythingDown(t *testing.T) {
	l, id := newLab(t), newIdentity(t)
	all, err := renewal.OpenAuthorities(sealedFor(t, l.cas, id.Recipient()), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Match(l.server); err != nil {
		t.Fatal(err)
	}
	l.install(purpose(t, program.CKE)) // only this program is set up on the server
	_, before := l.installed(purpose(t, program.CKE))
	for _, p := range renewal.Reissued(l.server) {
		if err := all.Reissue(t.Context(), l.server, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range append(renewal.Standing(), purpose(t, program.CKE)) {
		if !l.server.Good(p) {
			t.Errorf("%s is not good", p.Name)
		}
	}
	if _, after := l.installed(purpose(t, program.CKE)); after.Equal(before) {
		t.Error("the old key is used again")
	}
	if _, err := l.server.FS.Stat(purpose(t, program.Sabakan).Cert); err == nil {
		t.Error("a certificate for a program that is not here")
	}
}

func TestAuthoritiesThatAreNotThoseOfThisServer(t *testing.T) {
	l, id := newLab(t), newIdentity(t)
	foreign, err := renewal.OpenAuthorities(sealedFor(t, newLab(t).cas, id.Recipient()), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := foreign.Match(l.server); !errors.Is(err, renewal.ErrOtherAuthority) {
		t.Errorf("foreign: %v", err)
	}
	sealed := sealedFor(t, l.cas, newIdentity(t).Recipient())
	if _, err := renewal.OpenAuthorities(sealed, id); !errors.Is(err, hostkey.ErrCannotOpen) {
		t.Errorf("another key: %v", err)
	}
	sealed = sealedFor(t, renewal.Authorities{pki.ServerCA: l.cas[pki.ServerCA]}, id.Recipient())
	if _, err := renewal.OpenAuthorities(sealed, id); err == nil {
		t.Error("two are absent, and nobody says so")
	}
}
