package pki

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// Leaf describes an installed certificate of a host.
type Leaf struct {
	Profile  Profile
	NotAfter time.Time
	// Left is the time until NotAfter; negative after it.
	Left time.Duration
	// Due reports that the certificate is to be renewed, which it is from DueAt on.
	Due   bool
	DueAt time.Time
	// Err is an error of the files.  If the certificate cannot be read, the times are
	// zero.
	Err error
}

// List returns the certificates of the host, in the order of [Profiles].  A certificate
// that every boot server needs is listed even if it is absent.  A key is compared with
// its certificate only if this process can read the key.
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

// checkPair returns an error if certificate and key of p do not belong together.  It
// accepts any kind of key: those of the original Neco are RSA keys.  It returns nil if
// this process may not read the key.
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
