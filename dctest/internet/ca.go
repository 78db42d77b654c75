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
	// caValidity is how long the certificate of the CA is valid. It is longer than any
	// virtual data centre is kept, because servers trust the CA from their first start.
	caValidity = 10 * 365 * 24 * time.Hour
	// leafValidity is the validity of the server certificate, which is issued at each
	// start.
	leafValidity = 365 * 24 * time.Hour
	// backdate is how long before its creation a certificate becomes valid, for servers
	// whose clock a test has set back.
	backdate = 24 * time.Hour
)

// localCA is the CA that issues the certificates of the simulated internet.
type localCA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// openCA reads the CA in dir, or creates it there. It fails if dir contains the CA's
// certificate without its key, because servers may trust that certificate already.
func openCA(dir string) (*localCA, error) {
	crt, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	pair, err := tls.LoadX509KeyPair(crt, key)
	if err == nil {
		return fromPair(dir, pair)
	}
	if exists(crt) || !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the CA in %s: %w", dir, err)
	}
	ca, err := newCA()
	if err == nil {
		err = ca.save(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("create a CA in %s: %w", dir, err)
	}
	return ca, nil
}

func fromPair(dir string, pair tls.Certificate) (*localCA, error) {
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("open the CA in %s: it is not a CA certificate with an ECDSA key", dir)
	}
	return &localCA{pair.Leaf, key}, nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

func newCA() (*localCA, error) {
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
	return &localCA{cert, key}, err
}

// issue returns a new server certificate for all names.
func (a *localCA) issue(names []string) (tls.Certificate, error) {
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
