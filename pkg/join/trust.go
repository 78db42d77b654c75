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

// findVault finds a Vault that serves among the boot servers, and makes sure
// that it is one of the data centre before anything secret is sent.
func findVault(ctx context.Context, r *run) error {
	var errs []error
	for _, lrn := range r.LRNs {
		err := r.tryVault(ctx, lrn)
		if err == nil {
			return r.checkOperator(ctx)
		}
		err = fmt.Errorf("boot server %d: %w", lrn, err)
		if errors.Is(err, ErrCAPinMismatch) {
			return err // not to be passed over in silence
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("%w: no Vault can be asked: %w", ErrUnreachable, errors.Join(errs...))
}

// checkOperator looks, where that is all that is wanted, whether the operator is
// one.
func (r *run) checkOperator(ctx context.Context) error {
	if r.Token != nil || !r.CheckOnly {
		return nil
	}
	_, err := r.openOperator(ctx)
	return err
}

// askTimeout bounds the questions to one server, so that a dead one does not
// use the time of all.
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

// pinned fetches the authority for servers from whoever answers at addr, and
// compares it with the pin.
func pinned(ctx context.Context, addr string, pin []byte) ([]byte, error) {
	ca, err := vault.FetchCA(ctx, addr, string(pki.ServerCA))
	if err != nil {
		return nil, err
	}
	got, err := pinOf(ca)
	if err != nil {
		return nil, fmt.Errorf("%w: what it sent is no authority: %w", ErrCAPinMismatch, err)
	}
	if subtle.ConstantTimeCompare(got, pin) != 1 {
		return nil, fmt.Errorf("%w: its authority is SHA-256 %x, the token says %x", ErrCAPinMismatch, got, pin)
	}
	return checkAuthority(pki.ServerCA, ca)
}

// checkAuthority makes sure that it is one by its name and use.
func checkAuthority(a pki.Authority, certPEM []byte) ([]byte, error) {
	cert, err := pki.ParseCert(certPEM)
	switch {
	case err != nil:
		return nil, fmt.Errorf("authority %s: %w", a, err)
	case !cert.IsCA || cert.Subject.CommonName != a.CommonName():
		return nil, fmt.Errorf("authority %s: its certificate is %.80q", a, cert.Subject)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		return nil, fmt.Errorf("authority %s: %w", a, err)
	}
	return pki.MarshalCert(cert.Raw), nil
}

// fetchAuthorities puts all authorities in place; those of etcd come from Vault,
// which is trusted by now.
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

// open returns a new client of the Vault that was found.
func (r *run) open(token string) (*api.Client, error) { return vault.OpenPEM(r.addr, r.ca, token) }

// sameAuthority says whether the server trusts the authority already.
func (r *run) sameAuthority() bool {
	data, err := r.FS.Read(pki.ServerCA.File())
	return err == nil && bytes.Equal(bytes.TrimSpace(data), bytes.TrimSpace(r.ca))
}

func exists(fsys host.FS, p string) bool {
	_, err := fsys.Stat(p)
	return !errors.Is(err, fs.ErrNotExist)
}
