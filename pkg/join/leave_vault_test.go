//go:build vault

package join

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// realVault is a Vault with that part of setup's configuration that joins and
// departures need.
type realVault struct {
	*vaulttest.Server
	// key is the first unseal key. operator is the token of an operator.
	key, operator string
	root          *api.Client
}

func startVault(t *testing.T) *realVault {
	t.Helper()
	return startVaultAt(t, cluster.Endpoints())
}

func startVaultAt(t *testing.T, etcd []string) *realVault {
	t.Helper()
	v := &realVault{Server: vaulttest.Start(t, etcd, cluster.Prefix())}
	var token string
	v.key, token = v.Open(t)
	v.root = v.Client(t, token)
	if err := vault.EnableLogin(t.Context(), v.root); err != nil {
		t.Fatal(err)
	}
	if err := vault.PutPolicies(t.Context(), v.root, vault.OperatorPolicies()); err != nil {
		t.Fatal(err)
	}
	s, err := v.root.Auth().Token().CreateOrphanWithContext(t.Context(), &api.TokenCreateRequest{Policies: []string{vault.PolicyAdmin, vault.PolicyCAAdmin}})
	if err != nil {
		t.Fatal(err)
	}
	v.operator = s.Auth.ClientToken
	return v
}

// kept is a data centre of three servers whose etcd contains the unseal key and a root
// token of Vault. Boot server 2 has credentials for Vault.
type kept struct {
	*centre
	v *realVault
	// key, secret and root are the unseal key, the credentials and a client with the
	// root token that were valid before the departure.
	key    string
	secret vault.Credentials
	root   *api.Client
}

func keep(t *testing.T, v *realVault, ca pki.CA, key string) *kept {
	t.Helper()
	token, err := vault.GenerateRoot(t.Context(), v.root, key)
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{centre: newCentre(t, ca, key, token), v: v, key: key, root: v.Client(t, token)}
	policy, err := vault.BootPolicy(pki.NewSubject(2, "boot-2", someToken.Bastion))
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.PutPolicies(t.Context(), k.root, map[string]string{vault.BootRole(2): policy}); err != nil {
		t.Fatal(err)
	}
	if err := vault.PutBootRole(t.Context(), k.root, 2); err != nil {
		t.Fatal(err)
	}
	if k.secret, err = vault.NewCredentials(t.Context(), k.root, 2, true); err != nil {
		t.Fatal(err)
	}
	if err := vault.Login(t.Context(), v.Client(t, ""), k.secret); err != nil {
		t.Fatal(err)
	}
	return k
}

// opens fails the test unless the server lrn can decrypt a key that unseals Vault now.
// It does not change a running rekey.
func (k *kept) opens(t *testing.T, lrn int) {
	t.Helper()
	keys, err := vaultkey.UnsealKeys(t.Context(), k.etcd, k.ids[lrn])
	if err != nil {
		t.Errorf("boot server %d: %v", lrn, err)
	}
	for _, key := range keys {
		if k.works(t, key) {
			return
		}
	}
	t.Errorf("boot server %d has %d keys, none of which is Vault's", lrn, len(keys))
}

// works reports whether key is the unseal key of Vault.
func (k *kept) works(t *testing.T, key string) bool {
	t.Helper()
	token, err := vault.GenerateRoot(t.Context(), k.v.root, key)
	if errors.Is(err, vault.ErrBadKey) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Revoke(t.Context(), k.v.Client(t, token)); err != nil {
		t.Fatal(err)
	}
	return true
}

func depart(t *testing.T, d Departure) error {
	t.Helper()
	d.Unregister = func(context.Context) error { return nil }
	return d.Run(t.Context())
}

// TestADepartureThatIsCutOffAnywhereIsFinishedByTheNextTry interrupts a departure at
// each of its requests to Vault in turn, before or after Vault has executed the
// request. At any moment the remaining servers can unseal Vault; in the end the server
// that has left cannot.
func TestADepartureThatIsCutOffAnywhereIsFinishedByTheNextTry(t *testing.T) {
	ca := newCA(t, pki.ServerCA)
	v := startVault(t)
	key := v.key
	for _, heard := range []bool{false, true} {
		at := 0
		for reached := true; reached; {
			at++
			k := keep(t, v, ca, key)
			cut := &vaulttest.Cut{At: at, Heard: heard}
			err := depart(t, k.departure(t, cut.Over(t, v.Server, v.operator)))
			reached = cut.Reached()
			if reached != (err != nil) {
				t.Errorf("request %d cut off: %t (heard: %t), and the departure ended with %v", at, reached, heard, err)
			}
			k.opens(t, 0)
			k.opens(t, 1)
			if err := depart(t, k.departure(t, v.Client(t, v.operator))); err != nil {
				t.Fatalf("request %d cut off (heard: %t): %v", at, heard, err)
			}
			key = k.checkLeft(t)
		}
		if at < 10 {
			t.Errorf("only %d requests to Vault", at)
		}
		t.Logf("heard: %t: cut off at each of %d requests", heard, at-1)
	}
}

// TestADepartureWaitsForAVaultThatIsAway makes etcd and Vault unreachable for a moment,
// because the server that leaves may have failed.
func TestADepartureWaitsForAVaultThatIsAway(t *testing.T) {
	ca := newCA(t, pki.ServerCA)
	v := startVault(t)
	key := v.key
	at := 1
	for reached := true; reached; at++ {
		k := keep(t, v, ca, key)
		cut := &vaulttest.Cut{At: at, Status: http.StatusInternalServerError}
		var out strings.Builder
		d := k.departure(t, cut.Over(t, v.Server, v.operator))
		d.Out = &out
		if err := depart(t, d); err != nil {
			t.Fatalf("request %d: %v", at, err)
		}
		reached = cut.Reached()
		if told := strings.Contains(out.String(), "tries again: "); told != reached {
			t.Errorf("request %d answered by 500: %t, and it said %s", at, reached, out.String())
		}
		key = k.checkLeft(t)
	}
	if at < 10 {
		t.Errorf("only %d requests to Vault", at)
	}
}

// checkLeft fails the test if boot server 2 still has access. It returns the unseal
// key.
func (k *kept) checkLeft(t *testing.T) string {
	t.Helper()
	k.opens(t, 0)
	k.opens(t, 1)
	if k.works(t, k.key) {
		t.Error("the old unseal key still opens Vault")
	}
	if s, err := k.root.Sys().RekeyStatusWithContext(t.Context()); err != nil || s.Started {
		t.Errorf("a rekey is under way (%v)", err)
	}
	if works, err := vault.TokenWorks(t.Context(), k.root); err != nil || works {
		t.Errorf("the root token still works (%v), which who has left knows", err)
	}
	if err := vault.Login(t.Context(), k.v.Client(t, ""), k.secret); !vault.BadCredentials(err) {
		t.Errorf("who has left logs in to Vault: %v", err)
	}
	if _, err := vaultkey.Unseal(t.Context(), k.etcd, k.ids[2]); !errors.Is(err, hostkey.ErrCannotOpen) {
		t.Errorf("who has left still opens the unseal key: %v", err)
	}
	for _, key := range []string{leavingKey(2), vaultkey.KeyRoot, vaultkey.KeyUnsealNext, vaultkey.KeyHosts + "2"} {
		if res, err := k.etcd.Get(t.Context(), key); err != nil || len(res.Kvs) > 0 {
			t.Errorf("%s is left (%v)", key, err)
		}
	}
	for _, u := range etcdauth.ServerUsers(2) {
		if has, err := etcdauth.Has(t.Context(), k.etcd, u.Name); err != nil || has {
			t.Errorf("user %s is left (%v)", u.Name, err)
		}
	}
	key, err := vaultkey.Unseal(t.Context(), k.etcd, k.ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestADepartureIsNotBegunIfOneThatStaysCouldNotOpenVault(t *testing.T) {
	v := startVault(t)
	k := keep(t, v, newCA(t, pki.ServerCA), v.key)
	if err := vaultkey.RemoveHostKey(t.Context(), k.etcd, 1); err != nil {
		t.Fatal(err)
	}
	if err := depart(t, k.departure(t, v.Client(t, v.operator))); !errors.Is(err, vaultkey.ErrAbsent) {
		t.Errorf("got %v", err)
	}
	if begun, err := Leaving(t.Context(), k.etcd, 2); err != nil || begun {
		t.Errorf("it was begun (%v)", err)
	}
	if err := vault.Login(t.Context(), v.Client(t, ""), k.secret); err != nil {
		t.Errorf("it has lost its rights: %v", err)
	}
}

func TestADepartureSaysWhatItDidToTheKeys(t *testing.T) {
	ca, v := newCA(t, pki.ServerCA), startVault(t)
	said := func(k *kept) string {
		t.Helper()
		var out strings.Builder
		d := k.departure(t, v.Client(t, v.operator))
		d.Out = &out
		if err := depart(t, d); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const rekeyed, same, revoked = "Vault has a new unseal key\n", "the unseal key of Vault is unchanged", "the root token that setup kept is revoked"
	bare := keep(t, v, ca, v.key)
	for _, key := range []string{vaultkey.KeyUnseal, vaultkey.KeyRoot} {
		if err := vaultkey.Remove(t.Context(), bare.etcd, key); err != nil {
			t.Fatal(err)
		}
	}
	if text := said(bare); strings.Contains(text, rekeyed) || !strings.Contains(text, same) || strings.Contains(text, revoked) {
		t.Error(text)
	}
	if !bare.works(t, v.key) {
		t.Error("Vault has another key nevertheless")
	}
	if text := said(keep(t, v, ca, v.key)); !strings.Contains(text, rekeyed) || strings.Contains(text, same) || !strings.Contains(text, revoked) {
		t.Error(text)
	}
}

// TestADepartureByNoOperatorIsNotBegun uses a Vault token that is not an operator's, or
// has expired. The departure must fail before it changes anything.
func TestADepartureByNoOperatorIsNotBegun(t *testing.T) {
	v := startVault(t)
	k := keep(t, v, newCA(t, pki.ServerCA), v.key)
	if err := depart(t, k.departure(t, v.Client(t, "s.nobody"))); !errors.Is(err, ErrVaultToken) {
		t.Errorf("got %v, want %v", err, ErrVaultToken)
	}
	if begun, err := Leaving(t.Context(), k.etcd, 2); err != nil || begun {
		t.Errorf("it was begun (%v)", err)
	}
}
