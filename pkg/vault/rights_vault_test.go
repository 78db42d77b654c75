//go:build vault

package vault_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/vault"
)

func TestABootServerHasItsOwnCertificatesSignedByVault(t *testing.T) {
	c := newCentre(t)
	client := c.logIn(t, 1)
	for _, p := range pki.Profiles() {
		key, err := pki.NewKey()
		must(t, err)
		request, err := p.Request(key, subject(1))
		must(t, err)
		signed, err := vault.Sign(t.Context(), client, p, subject(1), request)
		if err != nil {
			t.Error(err)
			continue
		}
		cert, err := pki.ParseCert(signed)
		must(t, err)
		roots := pool(t, c.authorities[p.Authority])
		if err := p.Check(cert, key.Public(), subject(1), roots, time.Now()); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		if life := cert.NotAfter.Sub(cert.NotBefore); life > p.Validity+2*pki.BackDate {
			t.Errorf("%s lives for %s, longer than %s", p.Name, life, p.Validity)
		}
	}
	must(t, vault.Revoke(t.Context(), client))
}

// TestABootServerCanDoNothingElseInVault checks that the credentials of boot server 1
// permit nothing in the name of another boot server, or of an operator.
func TestABootServerCanDoNothingElseInVault(t *testing.T) {
	c := newCentre(t)
	checkRights(t, c.logIn(t, 1))
	t.Run("nor while it may enter", func(t *testing.T) {
		must(t, vault.AllowEnter(t.Context(), c.root, 1))
		client := c.logIn(t, 1)
		key, err := pki.NewKey()
		must(t, err)
		if _, err := vault.SignOperator(t.Context(), client, key); err != nil {
			t.Fatalf("it cannot enter: %v", err)
		}
		checkRights(t, client)
	})
}

// checkRights fails the test unless Vault signs the own certificate of boot server 1
// and denies it everything else.
func checkRights(t *testing.T, client *api.Client) {
	t.Helper()
	p, err := pki.Find(pki.Server)
	must(t, err)
	key, err := pki.NewKey()
	must(t, err)
	request, err := p.Request(key, subject(1))
	must(t, err)
	own := map[string]any{
		"csr": string(request), "common_name": p.CommonName(subject(1)), "exclude_cn_from_sans": true,
		"alt_names": "localhost", "ip_sans": "127.0.0.1,10.69.0.195,10.72.48.1",
	}
	sign := string(p.Authority) + "/sign/" + p.Role
	with := func(name string, value any) map[string]any {
		changed := maps.Clone(own)
		changed[name] = value
		return changed
	}
	if _, err := client.Logical().WriteWithContext(t.Context(), sign, own); err != nil {
		t.Fatalf("its own request: %v", err)
	}
	writes := []struct {
		name, path string
		data       map[string]any
	}{
		{"another's name", sign, with("common_name", "boot-2")},
		{"another's address", sign, with("ip_sans", "10.69.1.3")},
		{"an address more", sign, with("ip_sans", "127.0.0.1,10.69.0.195,10.72.48.1,10.69.1.3")},
		{"a name more", sign, with("alt_names", "localhost,vault.example.com")},
		{"another life", sign, with("ttl", "87600h")},
		{"a URI", sign, with("uri_sans", "spiffe://boot-2")},
		{"its name as a host's", sign, with("exclude_cn_from_sans", false)},
		{"as it stands in the request", string(p.Authority) + "/sign-verbatim", own},
		{"as operators do", string(p.Authority) + "/sign/" + vault.RoleSystem, own},
		{"with a key of Vault's", string(p.Authority) + "/issue/" + p.Role, own},
		{"as etcd's root", neco.CAEtcdClient + "/sign/" + vault.RoleHuman, map[string]any{"csr": string(request), "common_name": "root"}},
		{"as etcd's user of another", neco.CAEtcdClient + "/sign/" + vault.RoleEnter, map[string]any{"csr": string(request), "common_name": "neco-0", "exclude_cn_from_sans": true}},
		{"a role to enter by", neco.CAEtcdClient + "/roles/" + vault.RoleEnter, map[string]any{"allow_any_name": true}},
		{"its policies", "auth/approle/role/boot-1/policies", map[string]any{"token_policies": []string{"admin"}}},
		{"its policy to enter", "sys/policies/acl/" + vault.EnterPolicy(1), map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`}},
		{"a role of its own", string(p.Authority) + "/roles/mine", map[string]any{"allow_any_name": true}},
		{"a policy", "sys/policies/acl/" + vault.BootRole(1), map[string]any{"policy": `path "*" { capabilities = ["sudo"] }`}},
		{"another's secret", "auth/approle/role/boot-2/secret-id", nil},
		{"a secret more", "auth/approle/role/boot-1/secret-id", nil},
		{"a token", "auth/token/create", map[string]any{"policies": []string{"root"}}},
		{"a user", "auth/userpass/users/me", map[string]any{"password": "password"}},
		{"no audit", "sys/audit/" + vault.AuditDevice, map[string]any{"type": "file", "options": map[string]string{"file_path": "discard"}}},
	}
	for _, w := range writes {
		if _, err := client.Logical().WriteWithContext(t.Context(), w.path, w.data); !vault.Denied(err) {
			t.Errorf("%s: got %v, want that it is denied", w.name, err)
		}
	}
	for _, path := range []string{"sys/audit", "sys/policies/acl/admin", "auth/approle/role/boot-2/role-id", "sys/storage/raft/snapshot", "cke/secrets/k8s"} {
		if s, err := client.Logical().ReadWithContext(t.Context(), path); !vault.Denied(err) {
			t.Errorf("read of %s: got %v, %v; want that it is denied", path, s, err)
		}
	}
	if err := client.Sys().SealWithContext(t.Context()); !vault.Denied(err) {
		t.Errorf("seal: got %v", err)
	}
}

func TestABootServerThatHasLeftCanDoNothing(t *testing.T) {
	c := newCentre(t)
	client := c.logIn(t, 2)
	credentials, err := vault.NewCredentials(t.Context(), c.root, 2, false)
	must(t, err)
	for range 2 { // a departure may be repeated
		must(t, vault.RetireSecrets(t.Context(), c.root, 2), vault.DeleteBootRole(t.Context(), c.root, 2), vault.DeleteJoinPolicy(t.Context(), c.root, 2))
	}
	if err := vault.Login(t.Context(), c.Client(t, ""), credentials); !vault.BadCredentials(err) {
		t.Errorf("it logs in: %v", err)
	}
	p, err := pki.Find(program.Neco)
	must(t, err)
	key, err := pki.NewKey()
	must(t, err)
	request, err := p.Request(key, subject(2))
	must(t, err)
	if _, err := vault.Sign(t.Context(), client, p, subject(2), request); !vault.Denied(err) {
		t.Errorf("logged in before, it has a certificate signed: %v", err)
	}
}

func TestOperatorsHaveTheRightsOfTheirPolicies(t *testing.T) {
	c := newCentre(t)
	must(t,
		vault.PutUser(t.Context(), c.root, "ann", "first password", vault.PolicyAdmin),
		vault.PutUser(t.Context(), c.root, "ben", "second password", vault.PolicyCAAdmin),
	)
	for name, want := range map[string]bool{"ann": true, "nobody": false} {
		if has, err := vault.HasUser(t.Context(), c.root, name); err != nil || has != want {
			t.Errorf("%s: %t, %v", name, has, err)
		}
	}
	ann, ben := c.Client(t, ""), c.Client(t, "")
	must(t, vault.LoginUser(t.Context(), ann, "ann", "first password"), vault.LoginUser(t.Context(), ben, "ben", "second password"))
	if err := vault.LoginUser(t.Context(), c.Client(t, ""), "ann", "second password"); !vault.BadCredentials(err) {
		t.Errorf("with another's password: %v", err)
	}
	must(t, vault.PutBootRole(t.Context(), ann, 0), vault.PutRoles(t.Context(), ben))
	if err := vault.PutRoles(t.Context(), ann); !vault.Denied(err) {
		t.Errorf("an admin changes roles of authorities: %v", err)
	}
	if err := vault.PutBootRole(t.Context(), ben, 0); !vault.Denied(err) {
		t.Errorf("an admin of authorities changes approles: %v", err)
	}
}
