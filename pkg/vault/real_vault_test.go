//go:build vault

package vault_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/vault"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// await repeats f until it returns nil, for at most two minutes.
func await(t *testing.T, what string, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := retry.Until(ctx, f); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// centre is a Vault with the configuration that setup makes.
type centre struct {
	*vaulttest.Server
	root        *api.Client
	authorities map[pki.Authority]pki.CA
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{Server: vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix()), authorities: map[pki.Authority]pki.CA{}}
	_, root := c.Open(t)
	c.root = c.Client(t, root)
	for _, a := range pki.Authorities() {
		ca, err := pki.NewCA(a, time.Now())
		must(t, err)
		c.authorities[a] = ca
	}
	must(t, c.configure(t))
	return c
}

// configure configures Vault as setup does. It may be repeated.
func (c *centre) configure(t *testing.T) error {
	ctx := t.Context()
	errs := []error{vault.EnableAudit(ctx, c.root), vault.MountCAs(ctx, c.root)}
	for _, a := range pki.Authorities() {
		key, err := c.authorities[a].KeyPEM()
		errs = append(errs, err, vault.ImportCA(ctx, c.root, string(a), c.authorities[a].CertPEM(), key))
	}
	errs = append(errs, vault.PutRoles(ctx, c.root), vault.PutPolicies(ctx, c.root, vault.OperatorPolicies()), vault.EnableLogin(ctx, c.root))
	for lrn := range 3 {
		policy, err := vault.BootPolicy(subject(lrn))
		errs = append(errs, err, vault.PutPolicies(ctx, c.root, map[string]string{vault.BootRole(lrn): policy}), vault.PutBootRole(ctx, c.root, lrn))
	}
	return errors.Join(errs...)
}

func subject(lrn int) pki.Subject {
	return pki.NewSubject(lrn, fmt.Sprint("boot-", lrn), netip.AddrFrom4([4]byte{10, 72, 48, byte(lrn)}))
}

func pool(t *testing.T, ca pki.CA) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert())
	return roots
}

// logIn returns a client that is logged in as the boot server lrn.
func (c *centre) logIn(t *testing.T, lrn int) *api.Client {
	t.Helper()
	credentials, err := vault.NewCredentials(t.Context(), c.root, lrn, false)
	must(t, err)
	client := c.Client(t, "")
	must(t, vault.Login(t.Context(), client, credentials))
	return client
}

func TestVaultIsConfiguredAsOftenAsItTakes(t *testing.T) {
	c := newCentre(t)
	must(t, c.configure(t))
	for _, a := range pki.Authorities() {
		got, err := vault.CA(t.Context(), c.Client(t, ""), string(a))
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(string(c.authorities[a].CertPEM())) {
			t.Errorf("%s is %q, %v", a, got, err)
		}
		issuers, err := c.root.Logical().ListWithContext(t.Context(), string(a)+"/issuers")
		must(t, err)
		if n := len(issuers.Data["keys"].([]any)); n != 1 {
			t.Errorf("%s has %d issuers", a, n)
		}
	}
	other, err := pki.NewCA(pki.ServerCA, time.Now())
	must(t, err)
	key, err := other.KeyPEM()
	must(t, err)
	if err := vault.ImportCA(t.Context(), c.root, string(pki.ServerCA), other.CertPEM(), key); err == nil {
		t.Error("another authority takes the place of the one that is there")
	}
}

func TestAMountWithoutAnAuthorityHasNone(t *testing.T) {
	s := vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix())
	_, root := s.Open(t)
	c := s.Client(t, root)
	must(t, vault.MountCAs(t.Context(), c))
	if got, err := vault.CA(t.Context(), c, neco.CAServer); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNoSecretStandsInVaultsLog(t *testing.T) {
	c := newCentre(t)
	const password = "a password that nobody guesses"
	must(t, vault.PutUser(t.Context(), c.root, "ann", password, vault.PolicyAdmin), vault.LoginUser(t.Context(), c.Client(t, ""), "ann", password))
	credentials, err := vault.NewCredentials(t.Context(), c.root, 1, false)
	must(t, err)
	must(t, vault.Login(t.Context(), c.Client(t, ""), credentials))
	token, err := vault.NewJoinToken(t.Context(), c.root, 1, time.Hour)
	must(t, err)
	must(t, vault.Register(t.Context(), c.Client(t, ""), 1, token.Secret, "a secret that a joiner has made"))
	log := c.Log()
	if !strings.Contains(log, "auth/userpass/login/ann") {
		t.Fatal("the audit is not in the log")
	}
	for name, secret := range map[string]string{
		"password": password, "root token": c.root.Token(), "secret of an approle": credentials.SecretID,
		"join token": token.Secret, "joiner's secret": "a secret that a joiner has made",
	} {
		if strings.Contains(log, secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
}
