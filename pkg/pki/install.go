package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cybozu-go/neco/pkg/host"
)

// pendingDir holds, for root alone, keys whose certificates are not installed
// yet.
const pendingDir = "/var/lib/neco/pki"

// Errors of what is on a host.
var (
	// ErrNotInstalled: the host has no certificate of the purpose, or one whose
	// key it has not; it is to be asked for.
	ErrNotInstalled = errors.New("not installed")
	// ErrOtherKey: a certificate is for another key than the one that waits for
	// it.
	ErrOtherKey = errors.New("the certificate is for another key")
)

func (p Purpose) pending(ext string) string { return filepath.Join(pendingDir, p.Name+ext) }

// Pending returns the key that the host's next certificate of p is for.  It is
// made by the first call and stays the same until Install, so that a program
// that was killed goes on with it.
func Pending(fsys host.FS, p Purpose) (*ecdsa.PrivateKey, error) {
	key, err := readKey(fsys, p.pending(".key"))
	if path := (*fs.PathError)(nil); errors.Is(err, fs.ErrNotExist) || err != nil && !errors.As(err, &path) {
		// None, or one that cannot be parsed and never had a certificate.
		key, err = newPending(fsys, p)
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", p.Name, err)
	}
	return key, nil
}

func newPending(fsys host.FS, p Purpose) (*ecdsa.PrivateKey, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	data, err := MarshalKey(key)
	if err != nil {
		return nil, err
	}
	if err := fsys.MakeDir(host.Dir{Path: pendingDir, Mode: 0o700}); err != nil {
		return nil, err
	}
	_, err = fsys.Write(host.File{Path: p.pending(".key"), Data: data, Mode: 0o600})
	return key, err
}

func readKey(fsys host.FS, path string) (*ecdsa.PrivateKey, error) {
	data, err := fsys.Read(path)
	if err != nil {
		return nil, err
	}
	return ParseKey(data)
}

// Install makes the pending key and its certificate, in PEM, those of the
// host: first the key, then the certificate, each at once and for good.  Cut
// off anywhere, Installed finishes it.  The certificate has been checked
// (Check); one for another key is ErrOtherKey and changes nothing.
func Install(fsys host.FS, p Purpose, certPEM []byte) error {
	if err := install(fsys, p, certPEM); err != nil {
		return fmt.Errorf("install certificate %s: %w", p.Name, err)
	}
	return nil
}

func install(fsys host.FS, p Purpose, certPEM []byte) error {
	cert, err := ParseCert(certPEM)
	if err != nil {
		return err
	}
	key, err := readKey(fsys, p.pending(".key"))
	if err != nil {
		return err
	}
	if !samePublicKey(cert.PublicKey, key.Public()) {
		return ErrOtherKey
	}
	file := host.File{Path: p.pending(".crt"), Data: MarshalCert(cert.Raw), Mode: 0o600}
	if _, err := fsys.Write(file); err != nil {
		return err
	}
	return finish(fsys, p)
}

// finish installs what is pending, if that is a key with its certificate.
func finish(fsys host.FS, p Purpose) error {
	cert, key, err := readPair(fsys, p.pending(".crt"), p.pending(".key"))
	if errors.Is(err, ErrNotInstalled) {
		return nil
	}
	if err != nil {
		return err
	}
	keyPEM, err := MarshalKey(key)
	if err != nil {
		return err
	}
	for _, f := range []host.File{
		{Path: p.Key, Data: keyPEM, Mode: 0o600, UID: p.Owner, GID: p.Owner},
		{Path: p.Cert, Data: MarshalCert(cert.Raw), Mode: 0o644, UID: p.Owner, GID: p.Owner},
	} {
		if _, err := fsys.Write(f); err != nil {
			return err
		}
	}
	// The key first: alone, it would be taken for one that still waits.
	return errors.Join(fsys.Remove(p.pending(".key")), fsys.Remove(p.pending(".crt")))
}

// Installed returns the host's certificate of p, after it has finished an
// Install that was cut off.  ErrNotInstalled: there is none, or its key is
// another or gone.
func Installed(fsys host.FS, p Purpose) (*x509.Certificate, error) {
	if err := finish(fsys, p); err != nil {
		return nil, fmt.Errorf("install certificate %s: %w", p.Name, err)
	}
	cert, _, err := readPair(fsys, p.Cert, p.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	return cert, nil
}

// readPair returns a certificate and its key; ErrNotInstalled if they are not
// both there and of each other.
func readPair(fsys host.FS, certPath, keyPath string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	cert, err := readCert(fsys, certPath)
	if err != nil {
		return nil, nil, err
	}
	data, err := fsys.Read(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: %s is absent", ErrNotInstalled, keyPath)
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := ParseKey(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrNotInstalled, keyPath, err)
	}
	if !samePublicKey(cert.PublicKey, key.Public()) {
		return nil, nil, fmt.Errorf("%w: %s is not the key of %s", ErrNotInstalled, keyPath, certPath)
	}
	return cert, key, nil
}

func readCert(fsys host.FS, path string) (*x509.Certificate, error) {
	data, err := fsys.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is absent", ErrNotInstalled, path)
	}
	if err != nil {
		return nil, err
	}
	cert, err := ParseCert(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNotInstalled, path, err)
	}
	return cert, nil
}
