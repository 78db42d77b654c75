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

// CA is an authority together with its key.  It prints as its name.
type CA struct {
	Authority Authority
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
}

// Format keeps the key out of whatever is printed.
func (c CA) Format(w fmt.State, _ rune) { io.WriteString(w, "CA "+string(c.Authority)) }

// NewCA makes an authority that outlives everybody.
func NewCA(a Authority, now time.Time) (CA, error) {
	if a.CommonName() == "" {
		return CA{}, fmt.Errorf("make CA: %q is no authority", a)
	}
	key, err := NewKey()
	if err != nil {
		return CA{}, fmt.Errorf("make CA %s: %w", a, err)
	}
	life, err := time.ParseDuration(neco.TTL100Year)
	if err != nil {
		return CA{}, fmt.Errorf("make CA %s: %w", a, err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: a.CommonName()},
		NotBefore:             now.Add(-BackDate),
		NotAfter:              now.Add(life),
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

// serial is a random number of 126 bits, which no other certificate has.
func serial() *big.Int {
	n := make([]byte, 16)
	rand.Read(n)
	n[0] = n[0]&0x3f | 0x40
	return new(big.Int).SetBytes(n)
}

// ParseCA reads an authority from its certificate and its key, in PEM.
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
		return CA{}, fmt.Errorf("CA %s: its certificate is of %.80q", a, cert.Subject)
	case !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return CA{}, fmt.Errorf("CA %s: its certificate may not sign others", a)
	case !samePublicKey(cert.PublicKey, key.Public()):
		return CA{}, fmt.Errorf("CA %s: its key is not the certificate's", a)
	}
	return CA{a, cert, key}, nil
}

// Cert is the authority's certificate.
func (c CA) Cert() *x509.Certificate { return c.cert }

// CertPEM is the authority's certificate in PEM.
func (c CA) CertPEM() []byte { return MarshalCert(c.cert.Raw) }

// KeyPEM is the authority's key in PEM.
func (c CA) KeyPEM() ([]byte, error) { return MarshalKey(c.key) }

// Bundle is key and certificate in PEM, as Vault imports an authority.
func (c CA) Bundle() ([]byte, error) {
	key, err := c.KeyPEM()
	return append(key, c.CertPEM()...), err
}

// Sign returns the certificate in PEM for a request of p by the boot server s,
// if the request is as it should be (else ErrCSRRefused).  It lives for life
// from now, at most as long as the authority.
func (c CA) Sign(request []byte, p Purpose, s Subject, life time.Duration, now time.Time) ([]byte, error) {
	csr, err := p.CheckRequest(request, s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("sign: %w", err)
	case c.Authority != p.Authority:
		return nil, fmt.Errorf("sign: CA %s does not vouch for %s", c.Authority, p.Name)
	case life <= 0 || life > p.Life:
		return nil, fmt.Errorf("sign: %s may live up to %s, not %s", p.Name, p.Life, life)
	case !now.Before(c.cert.NotAfter):
		return nil, errors.New("sign: the CA has expired")
	}
	end := now.Add(life)
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
