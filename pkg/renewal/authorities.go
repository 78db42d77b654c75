package renewal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
)

// AuthoritiesFile is the path of the copy, on each boot server, of the CAs with their
// keys, encrypted to the recovery keys.
const AuthoritiesFile = "/var/lib/neco/recovery-authorities.age"

// ErrOtherAuthority reports that an encrypted CA is not the one that this server trusts.
var ErrOtherAuthority = errors.New("not the CA of this server")

// Authorities are the CAs with their keys, which sign certificates when Vault is down.
type Authorities map[pki.Authority]pki.CA

// OpenAuthorities decrypts the CAs with the recovery key id.  It returns
// hostkey.ErrCannotOpen if they are not encrypted to that key.
func OpenAuthorities(sealed []byte, id hostkey.Identity) (Authorities, error) {
	plain, err := hostkey.Open(string(sealed), id)
	if err != nil {
		return nil, fmt.Errorf("CAs: %w", err)
	}
	all, err := pki.ParseCAs(plain)
	if err != nil {
		return nil, fmt.Errorf("CAs: %w", err)
	}
	return all, nil
}

// Match fails unless the server s trusts exactly these CAs.  The encryption does not
// authenticate them: any writer of etcd can encrypt other CAs to a recovery key.
func (a Authorities) Match(s Server) error {
	for name, ca := range a {
		data, err := s.FS.Read(name.File())
		if err != nil {
			return fmt.Errorf("CA %s: %w", name, err)
		}
		cert, err := pki.ParseCert(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name.File(), err)
		}
		if !bytes.Equal(cert.Raw, ca.Cert().Raw) {
			return fmt.Errorf("%s: %w: it trusts another CA of that name", name.File(), ErrOtherAuthority)
		}
	}
	return nil
}

// Reissue signs and installs a new certificate of p on the server s, for a new key.
func (a Authorities) Reissue(ctx context.Context, s Server, p pki.Profile) error {
	return s.RenewBy(ctx, func(_ context.Context, p pki.Profile, subject pki.Subject, request []byte) ([]byte, error) {
		return a[p.Authority].Sign(request, p, subject, p.Validity, s.Now())
	}, p)
}

// Reissued returns the certificates that s needs to start without Vault: those of every
// boot server, and those of the programs that are set up on s.
func Reissued(s Server) []pki.Profile {
	var all []pki.Profile
	for _, l := range pki.List(s.FS, s.Now()) {
		all = append(all, l.Profile)
	}
	return all
}
