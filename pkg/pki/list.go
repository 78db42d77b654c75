package pki

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// Leaf is a certificate on a host.
type Leaf struct {
	Purpose  Purpose
	NotAfter time.Time
	// Left of its life; negative after its end.
	Left time.Duration
	// Due: it is to be renewed, since DueAt.
	Due   bool
	DueAt time.Time
	// Err is what is wrong with the files; if they cannot be read as a
	// certificate the times are zero.
	Err error
}

// List returns the certificates of the host, in the order of Purposes.  Those
// that every boot server has stand in it even if they are absent.  Whether
// the keys match is looked at where this process may read them.
func List(fsys host.FS, now time.Time) []Leaf {
	var leaves []Leaf
	for _, p := range Purposes() {
		if _, err := fsys.Read(p.Cert); p.OnRequest && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		leaves = append(leaves, leaf(fsys, p, now))
	}
	return leaves
}

func leaf(fsys host.FS, p Purpose, now time.Time) Leaf {
	l := Leaf{Purpose: p}
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

// checkPair says whether certificate and key belong together, of whatever kind
// the key is: those of the original Neco are of RSA.
func checkPair(fsys host.FS, p Purpose) error {
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
