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

// pendingDir is the directory of pending keys: keys whose certificates are not
// installed yet. Only root can read it.
const pendingDir = "/var/lib/neco/pki"

// These errors concern the certificates on a host.
var (
	// ErrNotInstalled reports that the certificate with the profile, or its key, is not
	// installed on the host. The caller has to request a new certificate.
	ErrNotInstalled = errors.New("not installed")
	// ErrOtherKey reports that a certificate is not for the pending key.
	ErrOtherKey = errors.New("the certificate is for another key")
)

func (p Profile) pending(ext string) string { return filepath.Join(pendingDir, p.Name+ext) }

// Pending returns the pending key: the key for the host's next certificate with the
// profile p. If that key does not exist or is malformed, Pending creates and stores a
// new one. The key stays the same until Install, even if the process is killed.
func Pending(fsys host.FS, p Profile) (*ecdsa.PrivateKey, error) {
	key, err := readKey(fsys, p.pending(".key"))
	if path := (*fs.PathError)(nil); errors.Is(err, fs.ErrNotExist) || err != nil && !errors.As(err, &path) {
		// There is no key, or a malformed one, which has no certificate yet.
		key, err = newPending(fsys, p)
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", p.Name, err)
	}
	return key, nil
}

func newPending(fsys host.FS, p Profile) (*ecdsa.PrivateKey, error) {
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

// Install installs the pending key and certPEM, its certificate in PEM, on the host.
// The caller must have checked the certificate with Check. Install replaces each file
// atomically and durably, first the key, then the certificate; if the process is killed
// in between, [Installed] does the rest. If certPEM is for another key, Install returns
// ErrOtherKey and changes nothing.
func Install(fsys host.FS, p Profile, certPEM []byte) error {
	if err := install(fsys, p, certPEM); err != nil {
		return fmt.Errorf("install certificate %s: %w", p.Name, err)
	}
	return nil
}

func install(fsys host.FS, p Profile, certPEM []byte) error {
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

// finish installs the pending key and the pending certificate with the profile p. It
// does nothing unless both exist.
func finish(fsys host.FS, p Profile) error {
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
	// The key goes first: without its certificate it would be taken for the key of
	// the next certificate.
	return errors.Join(fsys.Remove(p.pending(".key")), fsys.Remove(p.pending(".crt")))
}

// Installed returns the host's certificate with the profile p, after completing an
// interrupted Install. It returns ErrNotInstalled if the certificate or its key is
// absent or malformed, or they do not belong together.
func Installed(fsys host.FS, p Profile) (*x509.Certificate, error) {
	if err := finish(fsys, p); err != nil {
		return nil, fmt.Errorf("install certificate %s: %w", p.Name, err)
	}
	cert, _, err := readPair(fsys, p.Cert, p.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	return cert, nil
}

// readPair returns the certificate at certPath and its key at keyPath. It returns
// ErrNotInstalled if one of them is absent or malformed, or they do not belong
// together.
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
