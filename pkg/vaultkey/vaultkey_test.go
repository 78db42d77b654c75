package vaultkey_test

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// server returns the host key of the boot server lrn and its record. The record is
// signed with the key of a certificate of ca.
func server(t *testing.T, ca pki.CA, lrn int) (hostkey.Identity, hostkey.Record) {
	t.Helper()
	id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t, ca, lrn, time.Now())
	record, err := hostkey.Sign(lrn, id.Recipient(), cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return id, record
}

// certificate returns a certificate of the boot server lrn and its key. The certificate
// is valid for an hour from then.
func certificate(t *testing.T, ca pki.CA, lrn int, then time.Time) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	p, err := pki.Find(pki.Server)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	subject := pki.NewSubject(lrn, "boot", netip.Addr{})
	request, err := p.Request(key, subject)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, err := ca.Sign(request, p, subject, time.Hour, then)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCert(certPEM)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func authority(t *testing.T) (pki.CA, *x509.CertPool) {
	t.Helper()
	return authoritySince(t, time.Now())
}

func authoritySince(t *testing.T, then time.Time) (pki.CA, *x509.CertPool) {
	t.Helper()
	ca, err := pki.NewCA(pki.ServerCA, then)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert())
	return ca, roots
}

func TestTheUnsealKeyIsForBootServersAndRecoveryAlone(t *testing.T) {
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	ca, roots := authority(t)
	zero, record := server(t, ca, 0)
	stranger, strange := server(t, ca, 7)
	recovery, err := hostkey.Load(ctx, host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vaultkey.Unseal(ctx, etcd, zero); !errors.Is(err, vaultkey.ErrAbsent) {
		t.Errorf("before: %v", err)
	}
	for _, r := range []hostkey.Record{record, strange} {
		if err := vaultkey.PutHostKey(ctx, etcd, r); err != nil {
			t.Fatal(err)
		}
	}
	cert, key := certificate(t, ca, 0, time.Now())
	signed, err := hostkey.SignRecovery(0, []string{recovery.Recipient()}, cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := vaultkey.PutRecovery(ctx, etcd, signed); err != nil {
		t.Fatal(err)
	}
	to, err := vaultkey.Recipients(ctx, etcd, roots, []int{0}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{zero.Recipient(), recovery.Recipient()}, to); diff != "" {
		t.Error(diff)
	}
	if err := vaultkey.Store(ctx, etcd, "the key", "the token", to); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		id   hostkey.Identity
		want error
	}{"the server": {zero, nil}, "recovery": {recovery, nil}, "another": {stranger, hostkey.ErrCannotOpen}} {
		key, err := vaultkey.Unseal(ctx, etcd, c.id)
		if !errors.Is(err, c.want) || err == nil && key != "the key" {
			t.Errorf("%s: %q, %v", name, key, err)
		}
		token, err := vaultkey.Root(ctx, etcd, c.id)
		if !errors.Is(err, c.want) || err == nil && token != "the token" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	res, err := etcd.Get(ctx, vaultkey.KeyUnseal)
	if err != nil || strings.Contains(string(res.Kvs[0].Value), "the key") {
		t.Errorf("in clear: %v", err)
	}
	if clear, err := vaultkey.InClear(ctx, etcd); err != nil || clear {
		t.Errorf("%t, %v", clear, err)
	}
	if err := vaultkey.Remove(ctx, etcd, vaultkey.KeyRoot); err != nil {
		t.Fatal(err)
	}
	if _, err := vaultkey.Root(ctx, etcd, zero); !errors.Is(err, vaultkey.ErrAbsent) {
		t.Errorf("removed: %v", err)
	}
}

func TestARecordThatNobodyVouchesForCountsNothing(t *testing.T) {
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	_, roots := authority(t)
	rogue, _ := authority(t)
	_, forged := server(t, rogue, 1)
	if err := vaultkey.PutHostKey(ctx, etcd, forged); err != nil {
		t.Fatal(err)
	}
	if _, err := vaultkey.Recipients(ctx, etcd, roots, []int{1}, time.Now()); !errors.Is(err, hostkey.ErrBadSignature) {
		t.Errorf("forged: %v", err)
	}
	if _, err := vaultkey.Recipients(ctx, etcd, roots, []int{2}, time.Now()); !errors.Is(err, vaultkey.ErrAbsent) {
		t.Errorf("absent: %v", err)
	}
}

func TestAKeyOfTheOriginalIsReadAndSealed(t *testing.T) {
	ctx, etcd := t.Context(), cluster.NewClient(t, cluster.Prefix())
	ca, _ := authority(t)
	id, _ := server(t, ca, 0)
	if _, err := etcd.Put(ctx, vaultkey.KeyUnseal, "plain key\n"); err != nil {
		t.Fatal(err)
	}
	if key, err := vaultkey.Unseal(ctx, etcd, id); err != nil || key != "plain key" {
		t.Errorf("%q, %v", key, err)
	}
	if clear, err := vaultkey.InClear(ctx, etcd); err != nil || !clear {
		t.Errorf("%t, %v", clear, err)
	}
	if err := vaultkey.Reseal(ctx, etcd, id, []string{id.Recipient()}); err != nil {
		t.Fatal(err)
	}
	if clear, err := vaultkey.InClear(ctx, etcd); err != nil || clear {
		t.Errorf("%t, %v", clear, err)
	}
	if key, err := vaultkey.Unseal(ctx, etcd, id); err != nil || key != "plain key" {
		t.Errorf("%q, %v", key, err)
	}
}
