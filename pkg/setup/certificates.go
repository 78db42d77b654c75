package setup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/vault"
)

// bootstrapValidity is the validity of the certificates that the leader signs. They do
// not expire if a setup is interrupted over a weekend.
const bootstrapValidity = 7 * 24 * time.Hour

// signing is the body of a methodSign request: certificate requests in PEM. The keys of
// the map are the names of certificate profiles.
type signing struct {
	Requests map[string]string `json:"requests"`
}

// signed is the answer to a methodSign request: the signed certificates, by the names
// of their profiles as in [signing], and the certificates of the CAs, all in PEM.
type signed struct {
	Certificates map[string]string        `json:"certificates"`
	Authorities  map[pki.Authority]string `json:"authorities"`
}

// sign signs the certificate requests in q of the server lrn. It refuses a request for
// names other than those of that server.
func (h *handlers) sign(lrn int, q signing) (signed, error) {
	s := signed{Certificates: map[string]string{}, Authorities: map[pki.Authority]string{}}
	now := h.shared.state()
	if len(now.authorities) == 0 {
		return s, errors.New("the leader does not hold the CAs any more")
	}
	for name, request := range q.Requests {
		p, err := pki.Find(name)
		if err != nil {
			return s, err
		}
		cert, err := now.authorities[p.Authority].Sign([]byte(request), p, now.subject(lrn), min(bootstrapValidity, p.Validity), h.Now())
		if err != nil {
			return s, err
		}
		s.Certificates[name] = string(cert)
	}
	for name, ca := range now.authorities {
		s.Authorities[name] = string(ca.CertPEM())
	}
	return s, nil
}

// bootstrapCertificates sends certificate requests to the leader and installs the
// signed certificates, the first ones of this server. It does nothing if valid
// certificates are installed.
func bootstrapCertificates(ctx context.Context, r *run) error {
	if r.hasCertificates() {
		return nil
	}
	q := signing{Requests: map[string]string{}}
	for _, p := range renewal.Standing() {
		key, err := pki.Pending(r.FS, p)
		if err != nil {
			return err
		}
		request, err := p.Request(key, r.subject(r.LRN))
		if err != nil {
			return err
		}
		q.Requests[p.Name] = string(request)
	}
	var s signed
	if err := r.link.call(ctx, methodSign, q, &s); err != nil {
		return err
	}
	for _, a := range pki.Authorities() {
		file := host.File{Path: a.File(), Data: []byte(s.Authorities[a]), Mode: 0o644}
		if _, err := r.FS.Write(file); err != nil {
			return err
		}
	}
	if err := r.TrustServerCA(ctx); err != nil {
		return fmt.Errorf("trust %s: %w", neco.ServerCAFile, err)
	}
	for _, p := range renewal.Standing() {
		if err := r.server().Install(p, []byte(s.Certificates[p.Name])); err != nil {
			return err
		}
	}
	return nil
}

// hasCertificates reports whether all certificates that a boot server needs are
// installed and valid, and none of them is due for renewal.
func (r *run) hasCertificates() bool {
	for _, p := range renewal.Standing() {
		if !r.server().Good(p) {
			return false
		}
	}
	return true
}

// server returns this boot server as the package renewal describes it.
func (r *run) server() renewal.Server {
	return renewal.Server{FS: r.FS, Subject: r.subject(r.LRN), Now: r.Now}
}

// reissue replaces the certificates that the leader signed by certificates from Vault,
// for new keys. Then it signs the host key record with the new server certificate and
// publishes the record again.
func reissue(ctx context.Context, r *run) error {
	client, err := r.logIn(ctx)
	if err != nil {
		return err
	}
	for _, p := range renewal.Standing() {
		cert, err := pki.Installed(r.FS, p)
		if err == nil && cert.NotAfter.Sub(cert.NotBefore) > bootstrapValidity+2*pki.BackDate {
			continue // an earlier attempt had it signed by Vault
		}
		if err := r.server().Renew(ctx, client, p); err != nil {
			return err
		}
	}
	// etcd reads its certificates at every handshake, Vault on SIGHUP.
	if err := r.Containers.Signal(ctx, neco.VaultService, "HUP"); err != nil {
		return err
	}
	if err := vault.Revoke(ctx, client); err != nil {
		return err
	}
	return sendHostKey(ctx, r)
}

// logIn logs in to Vault as this server. If there are no stored credentials, or Vault
// rejects them, logIn requests new credentials from the leader. It returns a transient
// error at once, because such an error does not show that the credentials are wrong.
func (r *run) logIn(ctx context.Context) (*api.Client, error) {
	client, err := r.server().Login(ctx, vault.Local)
	if err == nil {
		return client, nil
	}
	if retry.MayPass(err) {
		return nil, err
	}
	var c credentials
	if err := r.link.call(ctx, methodCredentials, struct{}{}, &c); err != nil {
		return nil, err
	}
	if err := r.server().PutCredentials(c.Credentials); err != nil {
		return nil, err
	}
	return r.server().Login(ctx, vault.Local)
}
