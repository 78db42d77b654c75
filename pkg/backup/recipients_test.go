package backup_test

import (
	"crypto/x509"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// newServer returns boot server 0 with a certificate that a CA in roots has signed.
func newServer(t *testing.T) (s renewal.Server, roots *x509.CertPool) {
	t.Helper()
	ca, err := pki.NewCA(pki.ServerCA, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s = renewal.Server{FS: host.FS{Root: t.TempDir()}, Subject: pki.NewSubject(0, "boot-0", netip.Addr{}), Now: time.Now}
	if _, err := s.FS.Write(host.File{Path: pki.ServerCA.File(), Data: ca.CertPEM(), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	p, err := pki.Find(pki.Server)
	if err != nil {
		t.Fatal(err)
	}
	if err := (renewal.Authorities{pki.ServerCA: ca}).Reissue(t.Context(), s, p); err != nil {
		t.Fatal(err)
	}
	if roots, err = s.Roots(pki.ServerCA); err != nil {
		t.Fatal(err)
	}
	return s, roots
}

// TestWhomASnapshotIsFor checks that some errors prevent a backup, and others only
// leave out one server.
func TestWhomASnapshotIsFor(t *testing.T) {
	s, roots := newServer(t)
	etcd := cluster.NewClient(t, cluster.Prefix())
	recovery, own := newRecovery(t).Recipient(), newRecovery(t)
	if err := s.PutRecovery(t.Context(), etcd, []string{recovery}); err != nil {
		t.Fatal(err)
	}
	record, err := s.HostKey(own)
	if err != nil {
		t.Fatal(err)
	}
	if err := vaultkey.PutHostKey(t.Context(), etcd, record); err != nil {
		t.Fatal(err)
	}
	got, shutOut, err := backup.Recipients(t.Context(), etcd, roots, []int{0, 1}, own.Recipient(), time.Now())
	if err != nil || !errors.Is(shutOut, vaultkey.ErrAbsent) {
		t.Errorf("server 1 without a record: %v, %v", shutOut, err)
	}
	want := []string{own.Recipient(), recovery}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("recipients %v, want %v", got, want)
	}
	planted := `["` + newRecovery(t).Recipient() + `"]`
	if _, err := etcd.Put(t.Context(), vaultkey.KeyRecovery, planted); err != nil {
		t.Fatal(err)
	}
	got, _, err = backup.Recipients(t.Context(), etcd, roots, []int{0}, own.Recipient(), time.Now())
	if len(got) > 0 || !errors.Is(err, hostkey.ErrBadSignature) || !strings.Contains(err.Error(), vaultkey.KeyRecovery) {
		t.Errorf("a planted list: sealed to %v, %v", got, err)
	}
}
