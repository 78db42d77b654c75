package renewal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
)

// AuthoritiesFile is the path of a file on each boot server: a copy of the CAs with
// their keys, encrypted to the recovery keys.
const AuthoritiesFile = "/var/lib/neco/recovery-authorities.age"

// ErrOtherAuthority reports that a decrypted CA is not the one that this server trusts.
var ErrOtherAuthority = errors.New("not the CA of this server")

// Authorities are the CAs with their keys, by name. They sign certificates when Vault
// is down.
type Authorities map[pki.Authority]pki.CA

// OpenAuthorities decrypts sealed, the encrypted CAs, with the recovery key id. If they
// are not encrypted to that key, it returns hostkey.ErrCannotOpen.
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

// Match returns an error unless each of these CAs is the one that the server s trusts.
// The check is necessary because the encryption does not authenticate the CAs: anybody
// who can write to etcd can encrypt other CAs to a recovery key.
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

// Reissue creates a key on the server s, signs a certificate for that key, and installs
// both. p is the profile of the certificate.
func (a Authorities) Reissue(ctx context.Context, s Server, p pki.Profile) error {
	return s.RenewBy(ctx, func(_ context.Context, p pki.Profile, subject pki.Subject, request []byte) ([]byte, error) {
		return a[p.Authority].Sign(request, p, subject, p.Validity, s.Now())
	}, p)
}

// Reissued returns the profiles of the certificates that s needs to start without
// Vault: the profiles of every boot server, and those of programs that are set up on s.
func Reissued(s Server) []pki.Profile {
	var all []pki.Profile
	for _, l := range pki.List(s.FS, s.Now()) {
		all = append(all, l.Profile)
	}
	return all
}
