package renewal

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

// CredentialsFile holds what the server logs in to Vault with, for root alone.
const CredentialsFile = "/var/lib/neco/vault-approle.json"

// Server is the boot server whose certificates they are.
type Server struct {
	FS      host.FS
	Subject pki.Subject
	Now     func() time.Time
}

// PutCredentials stores the server's credentials.
func (s Server) PutCredentials(c vault.Credentials) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = s.FS.Write(host.File{Path: CredentialsFile, Data: append(data, '\n'), Mode: 0o600})
	return err
}

// Login returns a client of the Vault at addr that is logged in as this server.
func (s Server) Login(ctx context.Context, addr string) (*api.Client, error) {
	data, err := s.FS.Read(CredentialsFile)
	if err != nil {
		return nil, fmt.Errorf("vault's credentials of this server: %w", err)
	}
	var c vault.Credentials
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("vault's credentials of this server: %s: malformed", CredentialsFile)
	}
	client, err := vault.Open(addr, s.FS.Path(pki.ServerCA.File()), "")
	if err != nil {
		return nil, err
	}
	return client, vault.Login(ctx, client, c)
}

// SignFunc has the request, PEM, for the certificate of p signed for the boot
// server s, and returns the certificate, PEM.
type SignFunc func(ctx context.Context, p pki.Purpose, s pki.Subject, request []byte) ([]byte, error)

// Renew has a new certificate of p signed through client, with a new key, and
// puts it in place.  Cut off, it goes on with the same key the next time.
func (s Server) Renew(ctx context.Context, client *api.Client, p pki.Purpose) error {
	return s.RenewBy(ctx, Vault{client}.Sign, p)
}

// RenewBy is Renew with another way to sign.
func (s Server) RenewBy(ctx context.Context, sign SignFunc, p pki.Purpose) error {
	certPEM, err := s.obtain(ctx, sign, p)
	if err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// obtain returns a certificate of p for the pending key that is as it should be.
func (s Server) obtain(ctx context.Context, sign SignFunc, p pki.Purpose) ([]byte, error) {
	key, err := pki.Pending(s.FS, p)
	if err != nil {
		return nil, err
	}
	request, err := p.Request(key, s.Subject)
	if err != nil {
		return nil, err
	}
	if _, err := p.CheckRequest(request, s.Subject); err != nil {
		return nil, err
	}
	certPEM, err := sign(ctx, p, s.Subject, request)
	if err != nil {
		return nil, err
	}
	return certPEM, s.check(p, certPEM)
}

// Install checks the certificate of p for the pending key, and puts both in
// place.
func (s Server) Install(p pki.Purpose, certPEM []byte) error {
	if err := s.check(p, certPEM); err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// check says whether the certificate is that of p for the pending key.
func (s Server) check(p pki.Purpose, certPEM []byte) error {
	cert, err := pki.ParseCert(certPEM)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	key, err := pki.Pending(s.FS, p)
	if err != nil {
		return err
	}
	roots, err := s.Roots(p.Authority)
	if err != nil {
		return err
	}
	return p.Check(cert, key.Public(), s.Subject, roots, s.Now())
}

// Roots is the pool of one authority, as the host has it.
func (s Server) Roots(a pki.Authority) (*x509.CertPool, error) {
	data, err := s.FS.Read(a.File())
	if err != nil {
		return nil, fmt.Errorf("authority %s: %w", a, err)
	}
	cert, err := pki.ParseCert(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.File(), err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool, nil
}

// Good says whether the certificate of p is here, this server's, good now and
// not due.
func (s Server) Good(p pki.Purpose) bool {
	cert, err := pki.Installed(s.FS, p)
	if err != nil || pki.Due(cert, s.Now()) {
		return false
	}
	roots, err := s.Roots(p.Authority)
	return err == nil && p.Check(cert, cert.PublicKey, s.Subject, roots, s.Now()) == nil
}

// Standing are the certificates that every boot server has.
func Standing() []pki.Purpose {
	var all []pki.Purpose
	for _, p := range pki.Purposes() {
		if !p.OnRequest {
			all = append(all, p)
		}
	}
	return all
}
