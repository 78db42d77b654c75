package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	// caValidity is longer than any virtual data centre is kept: its servers
	// trust the authority from their image on.
	caValidity = 10 * 365 * 24 * time.Hour
	// leafValidity is that of the certificate made at each start.
	leafValidity = 365 * 24 * time.Hour
	// backdate makes up for clocks that are moved for a test.
	backdate = 24 * time.Hour
)

// authority signs the certificates of this internet.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// openAuthority reads the authority of a directory, or makes it there. A
// certificate without its key is an error: somebody may trust it already.
func openAuthority(dir string) (*authority, error) {
	crt, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err == nil {
		return fromPair(dir, pair)
	}
	if exists(crt) || !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the authority in %s: %w", dir, err)
	}
	ca, err := newAuthority()
	if err == nil {
		err = ca.save(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("make an authority in %s: %w", dir, err)
	}
	return ca, nil
}

func fromPair(dir string, pair tls.Certificate) (*authority, error) {
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("open the authority in %s: its certificate or key is of another kind", dir)
	}
	return &authority{pair.Leaf, key}, nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := template("Internet of a virtual data centre", caValidity)
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// issue makes a certificate for a server of all the names.
func (a *authority) issue(names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	t := template(names[0], leafValidity)
	t.DNSNames = names
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate for %s: %w", names, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func template(name string, validity time.Duration) *x509.Certificate {
	now := time.Now()
	serial := new(big.Int).SetBytes([]byte(rand.Text())[:16])
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(validity),
	}
}
