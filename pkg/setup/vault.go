package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	vaultunit "github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// hostKey is the body of a methodHostKey request: the host key record of the server
// that sends it.
type hostKey struct {
	Record hostkey.Record `json:"record"`
}

// sendHostKey sends the record of this server's public host key, signed with the key of
// its certificate, to the leader. The leader stores the record in etcd.
func sendHostKey(ctx context.Context, r *run) error {
	record, err := r.server().HostKey(r.identity)
	if err != nil {
		return err
	}
	return r.link.call(ctx, methodHostKey, hostKey{record}, &struct{}{})
}

// hostKey stores the host key record of the server lrn in etcd. It fails unless the
// record is signed with the key of a certificate of that server.
func (h *handlers) hostKey(ctx context.Context, lrn int, q hostKey) error {
	roots, err := renewal.Server{FS: h.FS}.Roots(pki.ServerCA)
	if err != nil {
		return err
	}
	now := h.shared.state()
	if now.etcd == nil {
		return errors.New("the leader is not connected to etcd yet")
	}
	if err := hostkey.Verify(q.Record, roots, lrn, now.subject(lrn).Node0, h.Now()); err != nil {
		return err
	}
	return vaultkey.PutHostKey(ctx, now.etcd, q.Record)
}

// startVault publishes this server's host key and starts its Vault, which stays sealed
// or uninitialised.
func startVault(ctx context.Context, r *run) error {
	if err := sendHostKey(ctx, r); err != nil {
		return err
	}
	_, err := component.Converge(ctx, r.component(), vaultunit.Component{Sealed: true}, r.target())
	return err
}

// initVault initialises Vault and stores its unseal key and root token in etcd. If an
// earlier attempt was killed between the two, the unseal key is lost: then initVault
// wipes Vault and initialises it again.
func initVault(ctx context.Context, r *run) error {
	if r.past(stageRevoke) {
		return r.loadRoot(ctx)
	}
	client, err := r.Vault("")
	if err != nil {
		return err
	}
	_, err = vaultkey.Unseal(ctx, r.state().etcd, r.identity)
	if err == nil {
		// An earlier attempt may have been killed before it did this.
		if err := vaultkey.Remove(ctx, r.state().etcd, storage.KeyVaultInit); err != nil {
			return err
		}
		return r.loadRoot(ctx)
	}
	if !errors.Is(err, vaultkey.ErrAbsent) {
		return err
	}
	started, err := r.state().etcd.Get(ctx, storage.KeyVaultInit)
	if err != nil {
		return err
	}
	if len(started.Kvs) > 0 {
		r.lines.Say(stageUnseal, "wipes Vault, because an earlier attempt ended before it stored the unseal key")
		if err := r.remakeVault(ctx); err != nil {
			return err
		}
	}
	if _, err := r.state().etcd.Put(ctx, storage.KeyVaultInit, "begun"); err != nil {
		return err
	}
	// The recipients are determined before a key exists that could be lost.
	if err := r.server().PutRecovery(ctx, r.state().etcd, r.Recovery); err != nil {
		return err
	}
	roots, err := r.server().Roots(pki.ServerCA)
	if err != nil {
		return err
	}
	recipients, err := vaultkey.Recipients(ctx, r.state().etcd, roots, r.LRNs, r.Now())
	if err != nil {
		return err
	}
	key, token, err := vault.Initialize(ctx, client)
	if err != nil {
		return err
	}
	if err := vaultkey.Store(ctx, r.state().etcd, key, token, recipients); err != nil {
		return err
	}
	r.change(func(s *state) { s.rootToken = token })
	return vaultkey.Remove(ctx, r.state().etcd, storage.KeyVaultInit)
}

// remakeVault wipes Vault's storage. It stops this server's Vault and starts it again,
// because the process caches that it is initialised. The Vaults of the other servers
// are sealed and can keep running.
func (r *run) remakeVault(ctx context.Context) error {
	if err := r.Units.Stop(ctx, neco.VaultService); err != nil {
		return err
	}
	if err := r.wipeVault(ctx); err != nil {
		return err
	}
	_, err := component.Converge(ctx, r.component(), vaultunit.Component{Sealed: true}, r.target())
	return err
}

// loadRoot loads Vault's root token, which an earlier attempt stored in etcd. It does
// nothing if etcd does not contain the token, because the token was revoked.
func (r *run) loadRoot(ctx context.Context) error {
	token, err := vaultkey.Root(ctx, r.state().etcd, r.identity)
	if errors.Is(err, vaultkey.ErrAbsent) {
		return nil // revoked
	}
	r.change(func(s *state) { s.rootToken = token })
	return err
}

// unsealVault unseals this server's Vault and blocks until it serves requests or ctx
// ends.
func unsealVault(ctx context.Context, r *run) error {
	client, err := r.Vault("")
	if err != nil {
		return err
	}
	return retry.Until(ctx, func() error {
		key, err := vaultkey.Unseal(ctx, r.state().etcd, r.identity)
		if err != nil {
			return err
		}
		if _, err := vault.Unseal(ctx, client, key); err != nil {
			return err
		}
		return vault.Serves(ctx, client)
	})
}

// AdminUser is the name of Vault's first user.
const AdminUser = "admin"

// configureVault configures the audit device, CAs, roles, policies, logins and first
// user of Vault. The audit device comes first, so that all later requests are audited.
func configureVault(ctx context.Context, r *run) error {
	root := r.state().rootToken
	if root == "" {
		return nil // the token was revoked after this stage
	}
	client, err := r.Vault(root)
	if err != nil {
		return err
	}
	works, err := vault.TokenWorks(ctx, client)
	if err != nil {
		return err
	}
	if !works {
		r.change(func(s *state) { s.rootToken = "" }) // an earlier attempt was killed after it revoked the token
		return nil
	}
	policies := vault.OperatorPolicies()
	for _, lrn := range r.LRNs {
		if policies[vault.BootRole(lrn)], err = vault.BootPolicy(r.subject(lrn)); err != nil {
			return err
		}
	}
	acts := []func() error{
		func() error { return vault.EnableAudit(ctx, client) },
		func() error { return vault.MountCAs(ctx, client) },
		func() error { return r.importAuthorities(ctx, client) },
		func() error { return vault.PutRoles(ctx, client) },
		func() error { return vault.PutPolicies(ctx, client, policies) },
		func() error { return vault.EnableLogin(ctx, client) },
		func() error { return r.putBootRoles(ctx, client) },
		func() error { return r.putAdmin(ctx, client) },
	}
	for _, act := range acts {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) importAuthorities(ctx context.Context, client *api.Client) error {
	for name, ca := range r.state().authorities {
		key, err := ca.KeyPEM()
		if err != nil {
			return err
		}
		if err := vault.ImportCA(ctx, client, string(name), ca.CertPEM(), key); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) putBootRoles(ctx context.Context, client *api.Client) error {
	for _, lrn := range r.LRNs {
		if err := vault.PutBootRole(ctx, client, lrn); err != nil {
			return err
		}
	}
	return nil
}

// credentials is the answer to a methodCredentials request: the approle login of the
// server that sent it.
type credentials struct {
	vault.Credentials
}

// credentials creates an approle login for the server lrn. Earlier logins of that
// server become invalid.
func (h *handlers) credentials(ctx context.Context, lrn int) (credentials, error) {
	root := h.shared.state().rootToken
	if root == "" {
		return credentials{}, errors.New("the root token is revoked already")
	}
	client, err := h.Vault(root)
	if err != nil {
		return credentials{}, err
	}
	c, err := vault.NewCredentials(ctx, client, lrn, true)
	return credentials{c}, err
}

// revokeRoot revokes the root token and deletes it from etcd, unless NoRevoke is set.
func revokeRoot(ctx context.Context, r *run) error {
	if r.NoRevoke {
		return nil
	}
	if root := r.state().rootToken; root != "" {
		client, err := r.Vault(root)
		if err != nil {
			return err
		}
		if err := vault.Revoke(ctx, client); err != nil {
			return err
		}
		r.change(func(s *state) { s.rootToken = "" })
	}
	return vaultkey.Remove(ctx, r.state().etcd, vaultkey.KeyRoot)
}

// putAdmin creates Vault's first user. It prints the user's password or writes it to
// the operator's file. It does nothing if an earlier attempt has created the user.
func (r *run) putAdmin(ctx context.Context, client *api.Client) error {
	if r.progress.PasswordTold {
		return nil
	}
	password := rand.Text()
	if err := vault.PutUser(ctx, client, AdminUser, password, vault.PolicyAdmin, vault.PolicyCAAdmin); err != nil {
		return err
	}
	if r.AdminPasswordFile != "" {
		file := host.File{Path: r.AdminPasswordFile, Data: []byte(password + "\n"), Mode: 0o600}
		if _, err := r.FS.Write(file); err != nil {
			return fmt.Errorf("write the password of %s: %w", AdminUser, err)
		}
	} else {
		r.lines.Say(stagePKI, "the password of Vault's user %s, shown this once: %s", AdminUser, password)
	}
	r.progress.PasswordTold = true
	return r.progress.save(r.FS)
}
