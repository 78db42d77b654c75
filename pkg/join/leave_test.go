package join

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/stage"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// centre is a data centre of three boot servers whose etcd contains the unseal key of
// Vault.
type centre struct {
	etcd *clientv3.Client
	ca   pki.CA
	ids  map[int]hostkey.Identity
}

func newCentre(t *testing.T, ca pki.CA, unsealKey, rootToken string) *centre {
	t.Helper()
	c := &centre{etcd: cluster.NewClient(t, cluster.Prefix()), ca: ca, ids: map[int]hostkey.Identity{}}
	var recipients []string
	for lrn := range 3 {
		id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		c.ids[lrn] = id
		if err := vaultkey.PutHostKey(t.Context(), c.etcd, hostRecord(t, ca, lrn, id)); err != nil {
			t.Fatal(err)
		}
		recipients = append(recipients, id.Recipient())
		for _, u := range etcdauth.ServerUsers(lrn) {
			if _, err := etcdauth.EnsureUser(t.Context(), c.etcd, u); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := vaultkey.Store(t.Context(), c.etcd, unsealKey, rootToken, recipients); err != nil {
		t.Fatal(err)
	}
	return c
}

func hostRecord(t *testing.T, ca pki.CA, lrn int, id hostkey.Identity) hostkey.Record {
	t.Helper()
	root := host.FS{Root: t.TempDir()}
	s := renewal.Server{FS: root, Subject: pki.NewSubject(lrn, fmt.Sprint("boot-", lrn), netip.Addr{}), Now: time.Now}
	p, err := pki.Find(pki.Server)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.Pending(root, p)
	if err != nil {
		t.Fatal(err)
	}
	request, err := p.Request(key, s.Subject)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Sign(request, p, s.Subject, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.Install(root, p, cert); err != nil {
		t.Fatal(err)
	}
	r, err := s.HostKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// departure returns the Departure of boot server 2, with the Vault v.
func (c *centre) departure(t *testing.T, v *api.Client) Departure {
	t.Helper()
	root := host.FS{Root: t.TempDir()}
	if _, err := root.Write(host.File{Path: pki.ServerCA.File(), Data: c.ca.CertPEM(), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	roots, err := renewal.Server{FS: root}.Roots(pki.ServerCA)
	if err != nil {
		t.Fatal(err)
	}
	return Departure{
		LRN: 2, Remaining: []int{0, 1}, Etcd: c.etcd, Vault: v, Identity: c.ids[0], Roots: roots, Out: io.Discard, Now: time.Now,
	}
}

func TestTheKeyIsSealedToThoseThatLackIt(t *testing.T) {
	c := newCentre(t, newCA(t, pki.ServerCA), "key", "root token")
	s := vaultkey.Sealing{Etcd: c.etcd, Identity: c.ids[0], Roots: c.departure(t, nil).Roots, Now: time.Now()}
	reseal := func(want bool) {
		t.Helper()
		did, err := s.ResealMissing(t.Context(), []int{0, 1, 2, 3, 4})
		if err != nil || did != want {
			t.Errorf("got %t, %v; want %t", did, err, want)
		}
	}
	reseal(false) // no server lacks it; 3 and 4 have no host key
	id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	forged := hostRecord(t, newCA(t, pki.ServerCA), 3, id)
	if err := vaultkey.PutHostKey(t.Context(), c.etcd, forged); err != nil {
		t.Fatal(err)
	}
	reseal(false) // the host key is not validly signed
	if err := vaultkey.PutHostKey(t.Context(), c.etcd, hostRecord(t, c.ca, 3, id)); err != nil {
		t.Fatal(err)
	}
	s.Identity = id
	reseal(false) // the server cannot decrypt the key itself
	s.Identity = c.ids[1]
	reseal(true)
	reseal(false)
	for _, get := range []hostkey.Identity{id, c.ids[0], c.ids[2]} {
		if key, err := vaultkey.Unseal(t.Context(), c.etcd, get); err != nil || key != "key" {
			t.Errorf("got %q, %v", key, err)
		}
	}
}

// TestADepartureFreesWhatTheServerHolds checks that the locks of the server are
// released. Otherwise they would block the remaining servers as long as the server's
// programs keep the leases alive, or forever.
func TestADepartureFreesWhatTheServerHolds(t *testing.T) {
	c := newCentre(t, newCA(t, pki.ServerCA), "key", "root token")
	raw := clientv3.NewKV(c.etcd)
	leased := func(kv clientv3.KV, key, value string) {
		t.Helper()
		lease, err := c.etcd.Grant(t.Context(), 600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Put(t.Context(), key, value, clientv3.WithLease(lease.ID)); err != nil {
			t.Fatal(err)
		}
	}
	gone := []string{"presence/2", "leader/worker//a", "leader/updater//a"}
	stays := []string{"presence/20", "leader/worker//b", "leader/updater//b"}
	for i, value := range []string{"{}", "2", "boot-2"} {
		leased(c.etcd, gone[i], value)
	}
	for i, value := range []string{"{}", "20", "boot-0"} {
		leased(c.etcd, stays[i], value)
	}
	leased(raw, vaultLock+"z", "active")
	leased(raw, vaultLock+"a", "")
	t.Cleanup(func() { _, _ = raw.Delete(context.Background(), vaultLock, clientv3.WithPrefix()) })
	if err := c.departure(t, nil).freeLocks(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func(kv clientv3.KV, want int64, keys ...string) {
		t.Helper()
		for _, key := range keys {
			if res, err := kv.Get(t.Context(), key); err != nil || res.Count != want {
				t.Errorf("%s is there %d times (%v), want %d", key, res.Count, err, want)
			}
		}
	}
	check(c.etcd, 0, gone...)
	check(c.etcd, 1, stays...)
	check(raw, 1, vaultLock+"z")
	check(raw, 0, vaultLock+"a")
}

// only returns a runner that has only the stage called name of a departure.
func only(d Departure, name stage.Name) *stage.Runner[Departure] {
	r := d.runner()
	n := r.Stages.Index(name)
	r.Stages = r.Stages[n : n+1]
	return r
}

// TestADepartureTellsNoControlCharacters checks that control characters in an answer of
// Vault, or of a proxy, are not printed.
func TestADepartureTellsNoControlCharacters(t *testing.T) {
	var out strings.Builder
	n := 0
	d := Departure{Out: &out, Now: time.Now, Unregister: func(context.Context) error {
		if n++; n < 2 {
			return &api.ResponseError{StatusCode: 503, Errors: []string{"sealed\x1b[2J\ntoday"}}
		}
		return nil
	}}
	err := only(d, stageUnregister).Run(t.Context())
	want := "tries again: Vault answered 503: sealed\\x1b[2J today\n"
	if err != nil || out.String() != want {
		t.Errorf("it said %q, want %q: %v", out.String(), want, err)
	}
}
