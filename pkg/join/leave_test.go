package join

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/sandbox/etcd/etcdtest"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// centre is a data centre of three boot servers, whose keys of Vault are stored
// in etcd.
type centre struct {
	etcd *clientv3.Client
	ca   pki.CA
	ids  map[int]hostkey.Identity
}

func newCentre(t *testing.T, ca pki.CA) *centre {
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
	if err := vaultkey.Store(t.Context(), c.etcd, "key 0", "root token", recipients); err != nil {
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

func (c *centre) departure(t *testing.T, v *vaultServer) Departure {
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
		LRN: 2, Remaining: []int{0, 1}, Etcd: c.etcd, Vault: v.client(t), Identity: c.ids[0], Roots: roots, Out: io.Discard, Now: time.Now,
	}
}

// opens fails unless the server can open Vault as it is now.
func (c *centre) opens(t *testing.T, v *vaultServer, lrn int) {
	t.Helper()
	keys, err := vaultkey.UnsealKeys(t.Context(), c.etcd, c.ids[lrn])
	if err != nil || !slices.Contains(keys, v.key) {
		t.Errorf("boot server %d has %q (%v), Vault wants %q", lrn, keys, err, v.key)
	}
}

func depart(t *testing.T, d Departure) error {
	t.Helper()
	if err := d.Begin(t.Context()); err != nil {
		return err
	}
	return d.Finish(t.Context())
}

// A departure is cut off at each of its requests to Vault in turn, heard and
// unheard.  All the time those that stay can open Vault; afterwards the one that
// has left cannot.
func TestADepartureThatIsCutOffAnywhereIsFinishedByTheNextTry(t *testing.T) {
	ca := newCA(t, pki.ServerCA)
	for _, heard := range []bool{false, true} {
		cut := 0
		for reached := true; reached; {
			cut++
			c := newCentre(t, ca)
			v := &vaultServer{key: "key 0", cut: cut, heard: heard}
			_ = depart(t, c.departure(t, v)) // a read is tried again by itself
			reached = v.heal() >= cut
			c.opens(t, v, 0)
			c.opens(t, v, 1)
			if err := depart(t, c.departure(t, v)); err != nil {
				t.Fatalf("request %d cut off (heard: %t): %v", cut, heard, err)
			}
			c.checkLeft(t, v)
		}
		if cut < 10 {
			t.Errorf("only %d requests to Vault", cut)
		}
	}
}

func (c *centre) checkLeft(t *testing.T, v *vaultServer) {
	t.Helper()
	c.opens(t, v, 0)
	c.opens(t, v, 1)
	if v.key == "key 0" || v.started {
		t.Errorf("Vault has %q, a rekey is under way: %t", v.key, v.started)
	}
	if _, err := vaultkey.Unseal(t.Context(), c.etcd, c.ids[2]); !errors.Is(err, hostkey.ErrCannotOpen) {
		t.Errorf("who has left still opens the unseal key: %v", err)
	}
	if v.revoked != "root token" {
		t.Errorf("revoked is %q, not the root token, which who has left knows", v.revoked)
	}
	for _, key := range []string{leavingKey(2), vaultkey.KeyRoot, vaultkey.KeyUnsealNext, vaultkey.KeyHosts + "2"} {
		if res, err := c.etcd.Get(t.Context(), key); err != nil || len(res.Kvs) > 0 {
			t.Errorf("%s is left (%v)", key, err)
		}
	}
	for _, u := range etcdauth.ServerUsers(2) {
		if has, err := etcdauth.Has(t.Context(), c.etcd, u.Name); err != nil || has {
			t.Errorf("user %s is left (%v)", u.Name, err)
		}
	}
}

func TestADepartureIsNotBegunIfOneThatStaysCouldNotOpenVault(t *testing.T) {
	c := newCentre(t, newCA(t, pki.ServerCA))
	if err := vaultkey.RemoveHostKey(t.Context(), c.etcd, 1); err != nil {
		t.Fatal(err)
	}
	v := &vaultServer{key: "key 0"}
	if err := depart(t, c.departure(t, v)); !errors.Is(err, vaultkey.ErrAbsent) {
		t.Errorf("got %v", err)
	}
	if begun, err := Leaving(t.Context(), c.etcd, 2); err != nil || begun {
		t.Errorf("it was begun (%v)", err)
	}
}

func TestADepartureSaysWhatItDidToTheKeys(t *testing.T) {
	ca := newCA(t, pki.ServerCA)
	said := func(c *centre) string {
		t.Helper()
		var out strings.Builder
		d := c.departure(t, &vaultServer{key: "key 0"})
		d.Out = &out
		if err := depart(t, d); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const rekeyed, kept, revoked = "Vault has a new unseal key\n", "Vault has the unseal key that it had", "the root token that setup kept is revoked"
	if text := said(newCentre(t, ca)); !strings.Contains(text, rekeyed) || strings.Contains(text, kept) || !strings.Contains(text, revoked) {
		t.Error(text)
	}
	bare := newCentre(t, ca)
	for _, key := range []string{vaultkey.KeyUnseal, vaultkey.KeyRoot} {
		if err := vaultkey.Remove(t.Context(), bare.etcd, key); err != nil {
			t.Fatal(err)
		}
	}
	if text := said(bare); strings.Contains(text, rekeyed) || !strings.Contains(text, kept) || strings.Contains(text, revoked) {
		t.Error(text)
	}
}

func TestTheKeyIsSealedToThoseThatLackIt(t *testing.T) {
	c := newCentre(t, newCA(t, pki.ServerCA))
	s := vaultkey.Sealing{Etcd: c.etcd, Identity: c.ids[0], Roots: c.departure(t, &vaultServer{}).Roots, Now: time.Now()}
	reseal := func(want bool) {
		t.Helper()
		did, err := s.ResealMissing(t.Context(), []int{0, 1, 2, 3, 4})
		if err != nil || did != want {
			t.Errorf("got %t, %v; want %t", did, err, want)
		}
	}
	reseal(false) // nobody lacks it; 3 and 4 have no key
	id, err := hostkey.Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	forged := hostRecord(t, newCA(t, pki.ServerCA), 3, id)
	if err := vaultkey.PutHostKey(t.Context(), c.etcd, forged); err != nil {
		t.Fatal(err)
	}
	reseal(false) // nobody vouches for that
	if err := vaultkey.PutHostKey(t.Context(), c.etcd, hostRecord(t, c.ca, 3, id)); err != nil {
		t.Fatal(err)
	}
	s.Identity = id
	reseal(false) // it cannot open the key itself
	s.Identity = c.ids[1]
	reseal(true)
	reseal(false)
	for _, get := range []hostkey.Identity{id, c.ids[0], c.ids[2]} {
		if key, err := vaultkey.Unseal(t.Context(), c.etcd, get); err != nil || key != "key 0" {
			t.Errorf("got %q, %v", key, err)
		}
	}
}

// What a server that has left holds would block the others for as long as its
// programs keep the leases alive, or for ever.
func TestADepartureFreesWhatTheServerHolds(t *testing.T) {
	c := newCentre(t, newCA(t, pki.ServerCA))
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
	if err := c.departure(t, &vaultServer{}).freeLocks(t.Context()); err != nil {
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
