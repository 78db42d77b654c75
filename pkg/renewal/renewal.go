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

// CredentialsFile is the path of the file with the server's credentials for Vault. Only
// root can read it.
const CredentialsFile = "/var/lib/neco/vault-approle.json"

// Server is a boot server, with the names in its certificates and the file system that
// holds them.
type Server struct {
	FS      host.FS
	Subject pki.Subject
	Now     func() time.Time
}

// PutCredentials stores c, the server's credentials for Vault, in CredentialsFile.
func (s Server) PutCredentials(c vault.Credentials) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = s.FS.Write(host.File{Path: CredentialsFile, Data: append(data, '\n'), Mode: 0o600})
	return err
}

// Login returns a client of the Vault at addr. It is logged in with the server's stored
// credentials.
func (s Server) Login(ctx context.Context, addr string) (*api.Client, error) {
	data, err := s.FS.Read(CredentialsFile)
	if err != nil {
		return nil, fmt.Errorf("credentials of this server for Vault: %w", err)
	}
	var c vault.Credentials
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("credentials of this server for Vault: %s: malformed", CredentialsFile)
	}
	client, err := vault.Open(addr, s.FS.Path(pki.ServerCA.File()), "")
	if err != nil {
		return nil, err
	}
	return client, vault.Login(ctx, client, c)
}

// SignFunc returns the signed certificate for a request of the boot server s. p is the
// profile of the certificate. Request and certificate are in PEM.
type SignFunc func(ctx context.Context, p pki.Profile, s pki.Subject, request []byte) ([]byte, error)

// Renew creates a key, makes Vault sign a certificate for it through client, and installs
// both. p is the profile of the certificate. If a call fails or is killed before the
// installation, the next call uses the key that it created.
func (s Server) Renew(ctx context.Context, client *api.Client, p pki.Profile) error {
	return s.RenewBy(ctx, Vault{client}.Sign, p)
}

// RenewBy is [Renew] with sign, instead of Vault, as the signer of the certificate.
func (s Server) RenewBy(ctx context.Context, sign SignFunc, p pki.Profile) error {
	certPEM, err := s.obtain(ctx, sign, p)
	if err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// obtain has sign sign a certificate for the pending key, which is created but not
// installed yet, checks the certificate and returns it. p is the profile of the
// certificate.
func (s Server) obtain(ctx context.Context, sign SignFunc, p pki.Profile) ([]byte, error) {
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

// Install checks certPEM, a certificate for the pending key (see [pki.Pending]), and
// installs the key and the certificate. p is the profile of the certificate.
func (s Server) Install(p pki.Profile, certPEM []byte) error {
	if err := s.check(p, certPEM); err != nil {
		return err
	}
	return pki.Install(s.FS, p, certPEM)
}

// check returns an error unless certPEM is a valid certificate with the profile p for
// the pending key (see [pki.Pending]).
func (s Server) check(p pki.Profile, certPEM []byte) error {
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

// Roots returns a pool with one certificate, that of the CA a. It reads the certificate
// from the server's files.
func (s Server) Roots(a pki.Authority) (*x509.CertPool, error) {
	data, err := s.FS.Read(a.File())
	if err != nil {
		return nil, fmt.Errorf("CA %s: %w", a, err)
	}
	cert, err := pki.ParseCert(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.File(), err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool, nil
}

// Good reports whether the certificate with the profile p is installed, belongs to this
// server, is valid and is not due for renewal.
func (s Server) Good(p pki.Profile) bool {
	cert, err := pki.Installed(s.FS, p)
	if err != nil || pki.Due(cert, s.Now()) {
		return false
	}
	roots, err := s.Roots(p.Authority)
	return err == nil && p.Check(cert, cert.PublicKey, s.Subject, roots, s.Now()) == nil
}

// Standing returns the profiles of the certificates that every boot server has.
func Standing() []pki.Profile {
	var all []pki.Profile
	for _, p := range pki.Profiles() {
		if !p.OnRequest {
			all = append(all, p)
		}
	}
	return all
}
