package renewal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
)

// AuthoritiesFile is the copy, on each boot server, of the authorities with
// their keys, sealed to the recovery keys.
const AuthoritiesFile = "/var/lib/neco/recovery-authorities.age"

// ErrOtherAuthority: the sealed authorities are not those of this server.
var ErrOtherAuthority = errors.New("not the authority of this server")

// Authorities sign with everything down.
type Authorities map[pki.Authority]pki.CA

// OpenAuthorities opens sealed authorities with a recovery key;
// hostkey.ErrCannotOpen: they are not sealed to it.
func OpenAuthorities(sealed []byte, id hostkey.Identity) (Authorities, error) {
	plain, err := hostkey.Open(string(sealed), id)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	all, err := pki.ParseCAs(plain)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	return all, nil
}

// Match makes sure that they are the authorities that this server trusts: who
// can write to etcd can seal others to a recovery key.
func (a Authorities) Match(s Server) error {
	for name, ca := range a {
		data, err := s.FS.Read(name.File())
		if err != nil {
			return fmt.Errorf("authority %s: %w", name, err)
		}
		cert, err := pki.ParseCert(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name.File(), err)
		}
		if !bytes.Equal(cert.Raw, ca.Cert().Raw) {
			return fmt.Errorf("%s: %w: it trusts another one of that name", name.File(), ErrOtherAuthority)
		}
	}
	return nil
}

// Reissue gives the server a new certificate of p, with a new key.
func (a Authorities) Reissue(ctx context.Context, s Server, p pki.Purpose) error {
	return s.RenewBy(ctx, func(_ context.Context, p pki.Purpose, subject pki.Subject, request []byte) ([]byte, error) {
		return a[p.Authority].Sign(request, p, subject, p.Life, s.Now())
	}, p)
}

// Reissued lists the certificates that a server with everything down needs:
// those that every server has, and those of the programs that are set up here.
func Reissued(s Server) []pki.Purpose {
	var all []pki.Purpose
	for _, l := range pki.List(s.FS, s.Now()) {
		all = append(all, l.Purpose)
	}
	return all
}
