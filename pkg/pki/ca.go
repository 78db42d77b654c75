package pki

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/cybozu-go/neco"
)

// CA is a certificate authority (CA) with its certificate and key. When it is printed,
// its name replaces the key.
type CA struct {
	Authority Authority
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
}

// Format implements fmt.Formatter. It prints the name of the CA, to keep the key out
// of output and logs.
func (c CA) Format(w fmt.State, _ rune) { io.WriteString(w, "CA "+string(c.Authority)) }

// NewCA creates a key and a self-signed certificate for the CA a. The certificate is
// valid for 100 years from now.
func NewCA(a Authority, now time.Time) (CA, error) {
	if a.CommonName() == "" {
		return CA{}, fmt.Errorf("make CA: %q is not the name of a CA", a)
	}
	key, err := NewKey()
	if err != nil {
		return CA{}, fmt.Errorf("make CA %s: %w", a, err)
	}
	validity, err := time.ParseDuration(neco.TTL100Year)
	if err != nil {
		return CA{}, fmt.Errorf("make CA %s: %w", a, err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: a.CommonName()},
		NotBefore:             now.Add(-BackDate),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return CA{}, fmt.Errorf("make CA %s: %w", a, err)
	}
	cert, err := x509.ParseCertificate(der)
	return CA{a, cert, key}, err
}

// serial returns a new serial number for a certificate, with 126 random bits.
func serial() *big.Int {
	n := make([]byte, 16)
	rand.Read(n)
	n[0] = n[0]&0x3f | 0x40
	return new(big.Int).SetBytes(n)
}

// ParseCA returns the CA with the certificate certPEM and the key keyPEM, in PEM. It
// fails if they do not belong together, or the certificate is not one of the CA called
// a.
func ParseCA(a Authority, certPEM, keyPEM []byte) (CA, error) {
	cert, err := ParseCert(certPEM)
	if err != nil {
		return CA{}, fmt.Errorf("CA %s: %w", a, err)
	}
	key, err := ParseKey(keyPEM)
	if err != nil {
		return CA{}, fmt.Errorf("CA %s: %w", a, err)
	}
	switch {
	case a.CommonName() == "" || cert.Subject.CommonName != a.CommonName():
		return CA{}, fmt.Errorf("CA %s: its certificate has the subject %.80q", a, cert.Subject)
	case !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return CA{}, fmt.Errorf("CA %s: its certificate may not sign others", a)
	case !samePublicKey(cert.PublicKey, key.Public()):
		return CA{}, fmt.Errorf("CA %s: its key is not the certificate's", a)
	}
	return CA{a, cert, key}, nil
}

// Cert returns the CA's certificate.
func (c CA) Cert() *x509.Certificate { return c.cert }

// CertPEM returns the CA's certificate in PEM.
func (c CA) CertPEM() []byte { return MarshalCert(c.cert.Raw) }

// KeyPEM returns the CA's key in PEM.
func (c CA) KeyPEM() ([]byte, error) { return MarshalKey(c.key) }

// Bundle returns the key and the certificate of the CA in PEM, in the format that Vault
// imports.
func (c CA) Bundle() ([]byte, error) {
	key, err := c.KeyPEM()
	return append(key, c.CertPEM()...), err
}

// Sign returns the signed certificate, in PEM, for a request of the boot server s. p is
// the profile of the certificate. The certificate is valid until now + validity, or
// until the CA expires if that is earlier. If p and s do not permit the request, the
// error wraps ErrCSRRefused.
func (c CA) Sign(request []byte, p Profile, s Subject, validity time.Duration, now time.Time) ([]byte, error) {
	csr, err := p.CheckRequest(request, s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sign: %w", err)
	case c.Authority != p.Authority:
		return nil, fmt.Errorf("sign: CA %s does not sign certificates of %s", c.Authority, p.Name)
	case validity <= 0 || validity > p.Validity:
		return nil, fmt.Errorf("sign: the validity of %s is at most %s, not %s", p.Name, p.Validity, validity)
	case !now.Before(c.cert.NotAfter):
		return nil, errors.New("sign: the CA has expired")
	}
	end := now.Add(validity)
	if end.After(c.cert.NotAfter) {
		end = c.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: p.CommonName(s)},
		DNSNames:              p.DNSNames(s),
		IPAddresses:           p.netIPs(s),
		NotBefore:             now.Add(-BackDate),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           p.extKeyUsage(),
		BasicConstraintsValid: true,
	}, c.cert, csr.PublicKey, c.key)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", p.Name, err)
	}
	return MarshalCert(der), nil
}
