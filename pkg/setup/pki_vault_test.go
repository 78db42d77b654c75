//go:build vault

package setup

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/dctest/vaulttest"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/vault"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// vaultOfRun is a Vault that was just initialised.
type vaultOfRun struct {
	*vaulttest.Server
	root string
}

// leader returns a restarted leader of three servers, with the files of r. It reaches
// this Vault through line.
func (v *vaultOfRun) leader(t *testing.T, r *run, line *vaulttest.Cut) *run {
	t.Helper()
	o, was := r.Options, r.state()
	o.Out = &transcript{}
	o.Vault = func(token string) (*api.Client, error) { return line.Over(t, v.Server, token), nil }
	again := newSetup(o)
	again.change(func(s *state) { *s = state{facts: was.facts, authorities: was.authorities, rootToken: v.root} })
	var err error
	if again.progress, err = loadProgress(r.FS); err != nil {
		t.Fatal(err)
	}
	if again.progress == nil {
		again.progress = &progress{LRNs: r.LRNs}
	}
	return again
}

// clear removes everything that configureVault creates.
func (v *vaultOfRun) clear(t *testing.T) {
	t.Helper()
	sys := v.Client(t, v.root).Sys()
	errs := []error{
		sys.DisableAuditWithContext(t.Context(), vault.AuditDevice),
		sys.DisableAuthWithContext(t.Context(), vault.AppRole), sys.DisableAuthWithContext(t.Context(), vault.Userpass),
	}
	for _, a := range pki.Authorities() {
		errs = append(errs, sys.UnmountWithContext(t.Context(), string(a)))
	}
	for _, name := range []string{vault.PolicyAdmin, vault.PolicyCAAdmin, "boot-0", "boot-1", "boot-2"} {
		errs = append(errs, sys.DeletePolicyWithContext(t.Context(), name))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

var toldPassword = regexp.MustCompile(`shown this once: (\S+)`)

// complete fails the test unless Vault is configured and the operator can log in with
// the password in said, the output.
func (v *vaultOfRun) complete(t *testing.T, r *run, said string) {
	t.Helper()
	all := toldPassword.FindAllStringSubmatch(said, -1)
	if len(all) != 1 {
		t.Fatalf("the password was told %d times:\n%s", len(all), said)
	}
	operator := v.Client(t, "")
	if err := vault.LoginUser(t.Context(), operator, AdminUser, all[0][1]); err != nil {
		t.Error(err)
	}
	for _, lrn := range r.LRNs {
		c, err := vault.NewCredentials(t.Context(), operator, lrn, true)
		if err != nil {
			t.Error(err)
			continue
		}
		boot := v.Client(t, "")
		if err := vault.Login(t.Context(), boot, c); err != nil {
			t.Error(err)
		}
		p := pki.Profiles()[lrn] // all of them are written at once
		key, err := pki.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		request, err := p.Request(key, r.subject(lrn))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vault.Sign(t.Context(), boot, p, r.subject(lrn), request); err != nil {
			t.Errorf("boot server %d: %v", lrn, err)
		}
	}
	for _, p := range pki.Profiles() {
		role, err := operator.Logical().ReadWithContext(t.Context(), string(p.Authority)+"/roles/"+p.Role)
		if err != nil || role == nil {
			t.Errorf("role %s of %s: %v", p.Role, p.Authority, err)
		}
	}
	for a, ca := range r.state().authorities {
		got, err := vault.CA(t.Context(), operator, string(a))
		if err != nil || strings.TrimSpace(string(got)) != strings.TrimSpace(string(ca.CertPEM())) {
			t.Errorf("%s has another certificate (%v)", a, err)
		}
	}
	audits, err := operator.Sys().ListAuditWithContext(t.Context())
	if err != nil || len(audits) != 1 {
		t.Errorf("%d audit devices (%v)", len(audits), err)
	}
}

// TestVaultIsConfiguredWhereverTheFirstTryWasCutOff interrupts the stage pki at each of
// its requests to Vault in turn, before or after Vault has executed the request. Then a
// restarted leader repeats the stage.
func TestVaultIsConfiguredWhereverTheFirstTryWasCutOff(t *testing.T) {
	v := &vaultOfRun{Server: vaulttest.Start(t, cluster.Endpoints(), cluster.Prefix())}
	_, v.root = v.Open(t)
	for _, heard := range []bool{false, true} {
		at := 0
		for reached := true; reached; {
			at++
			r := newRun(t, 0, meet.NewToken())
			if err := makeAuthorities(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			met(r, newRun(t, 1, r.token), newRun(t, 2, r.token))
			cut := &vaulttest.Cut{At: at, Heard: heard}
			first := v.leader(t, r, cut)
			err := configureVault(t.Context(), first)
			reached = cut.Reached()
			if reached != (err != nil) {
				t.Errorf("request %d cut off: %t (heard: %t), and the stage ended with %v", at, reached, heard, err)
			}
			second := v.leader(t, r, &vaulttest.Cut{})
			if err := configureVault(t.Context(), second); err != nil {
				t.Fatalf("request %d cut off (heard: %t): %v", at, heard, err)
			}
			v.complete(t, r, said(first)+said(second))
			v.clear(t)
			if t.Failed() {
				t.Fatalf("request %d cut off (heard: %t)", at, heard)
			}
		}
		t.Logf("heard: %t: cut off at each of %d requests", heard, at-1)
		if at < 20 {
			t.Errorf("only %d requests to Vault", at)
		}
	}
}
