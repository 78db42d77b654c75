package join

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

// findVault finds a boot server whose Vault serves requests. It authenticates that
// Vault with the CA before it sends a secret.
func findVault(ctx context.Context, r *run) error {
	var errs []error
	for _, lrn := range r.LRNs {
		err := r.tryVault(ctx, lrn)
		if err == nil {
			return r.checkOperator(ctx)
		}
		err = fmt.Errorf("boot server %d: %w", lrn, err)
		if errors.Is(err, ErrCAPinMismatch) {
			return err // possibly an attack, so it must not be hidden by another server's success
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("%w: no Vault answers: %w", ErrUnreachable, errors.Join(errs...))
}

// checkOperator checks, in a check-only run without a token, that the operator can log
// in to Vault. In other runs it does nothing.
func (r *run) checkOperator(ctx context.Context) error {
	if r.Token != nil || !r.CheckOnly {
		return nil
	}
	_, err := r.openOperator(ctx)
	return err
}

// askTimeout is how long a stage waits for the answers of one server, so that it has
// time left for the other servers.
const askTimeout = 20 * time.Second

func (r *run) tryVault(ctx context.Context, lrn int) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	addr := vault.Address(lrn)
	ca := r.CA
	if r.Token != nil {
		var err error
		if ca, err = pinned(ctx, addr, r.Token.Pin); err != nil {
			return err
		}
	}
	client, err := vault.OpenPEM(addr, ca, "")
	if err != nil {
		return err
	}
	err = vault.Serves(ctx, client)
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		return fmt.Errorf("%w: %w", ErrCAPinMismatch, err)
	}
	if err != nil {
		return err
	}
	r.ca, r.addr, r.vault = ca, addr, client
	return nil
}

// pinned fetches the certificate of the CA for server certificates from the server at
// addr, which is not authenticated. It returns ErrCAPinMismatch unless pin is the
// SHA-256 hash of the CA's public key.
func pinned(ctx context.Context, addr string, pin []byte) ([]byte, error) {
	ca, err := vault.FetchCA(ctx, addr, string(pki.ServerCA))
	if err != nil {
		return nil, err
	}
	got, err := pinOf(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: the server did not send the certificate of a CA: %w", ErrCAPinMismatch, err)
	}
	if subtle.ConstantTimeCompare(got, pin) != 1 {
		return nil, fmt.Errorf("%w: the SHA-256 of its CA is %x, the token has %x", ErrCAPinMismatch, got, pin)
	}
	return checkAuthority(pki.ServerCA, ca)
}

// checkAuthority returns certPEM, the certificate of the CA a, in PEM. It fails unless
// certPEM is a self-signed CA certificate with the common name of a.
func checkAuthority(a pki.Authority, certPEM []byte) ([]byte, error) {
	cert, err := pki.ParseCert(certPEM)
	switch {
	case err != nil:
		return nil, fmt.Errorf("CA %s: %w", a, err)
	case !cert.IsCA || cert.Subject.CommonName != a.CommonName():
		return nil, fmt.Errorf("CA %s: its certificate has the subject %.80q", a, cert.Subject)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		return nil, fmt.Errorf("CA %s: %w", a, err)
	}
	return pki.MarshalCert(cert.Raw), nil
}

// fetchAuthorities installs the certificates of all CAs on this server. It fetches the
// certificates of etcd's CAs from Vault, which was authenticated before.
func fetchAuthorities(ctx context.Context, r *run) error {
	for _, a := range pki.Authorities() {
		data := r.ca
		if a != pki.ServerCA {
			var err error
			if data, err = vault.CA(ctx, r.vault, string(a)); err != nil {
				return err
			}
		}
		data, err := checkAuthority(a, data)
		if err != nil {
			return err
		}
		if _, err := r.FS.Write(host.File{Path: a.File(), Data: data, Mode: 0o644}); err != nil {
			return err
		}
	}
	return r.TrustServerCA(ctx)
}

// open returns a new client of the Vault at r.addr, with the given token.
func (r *run) open(token string) (*api.Client, error) { return vault.OpenPEM(r.addr, r.ca, token) }

// sameAuthority reports whether r.ca equals the certificate of the server CA that is
// installed on this server.
func (r *run) sameAuthority() bool {
	data, err := r.FS.Read(pki.ServerCA.File())
	return err == nil && bytes.Equal(bytes.TrimSpace(data), bytes.TrimSpace(r.ca))
}

func exists(fsys host.FS, p string) bool {
	_, err := fsys.Stat(p)
	return !errors.Is(err, fs.ErrNotExist)
}
