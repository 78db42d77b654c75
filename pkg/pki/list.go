package pki

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// Leaf describes a certificate of a host, which may be absent or unreadable.
type Leaf struct {
	Profile  Profile
	NotAfter time.Time
	// Left is the time until NotAfter. It is negative after NotAfter.
	Left time.Duration
	// Due reports that the certificate is due for renewal. That is so from the time
	// DueAt.
	Due   bool
	DueAt time.Time
	// Err is an error in the files of the certificate and its key, or nil. If the
	// certificate cannot be read, the times of the Leaf are zero.
	Err error
}

// List returns the certificates of the host, in the order of [Profiles]. It includes an
// absent certificate only if every boot server needs that certificate. It checks that a
// key belongs to its certificate only if this process can read the key.
func List(fsys host.FS, now time.Time) []Leaf {
	var leaves []Leaf
	for _, p := range Profiles() {
		if _, err := fsys.Read(p.Cert); p.OnRequest && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		leaves = append(leaves, leaf(fsys, p, now))
	}
	return leaves
}

func leaf(fsys host.FS, p Profile, now time.Time) Leaf {
	l := Leaf{Profile: p}
	cert, err := readCert(fsys, p.Cert)
	if err != nil {
		l.Err = err
		return l
	}
	l.NotAfter, l.Left, l.Due = cert.NotAfter, cert.NotAfter.Sub(now), Due(cert, now)
	l.DueAt = DueAt(cert)
	l.Err = checkPair(fsys, p)
	return l
}

// checkPair returns an error if the certificate with the profile p and its key do not
// belong together. It accepts any kind of key, because cybozu-go/neco, which this Neco
// replaces, creates RSA keys. It returns nil if this process may not read the key.
func checkPair(fsys host.FS, p Profile) error {
	cert, err := fsys.Read(p.Cert)
	if err != nil {
		return err
	}
	key, err := fsys.Read(p.Key)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is absent", ErrNotInstalled, p.Key)
	case err != nil:
		return err
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("%w: %s is not the key of %s", ErrNotInstalled, p.Key, p.Cert)
	}
	return nil
}
