package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
)

// ErrCSRRefused: a request for a certificate is not the one that this purpose
// and this server call for.
var ErrCSRRefused = errors.New("CSRRefused")

// Request makes the request for the certificate of p, in PEM.
func (p Purpose) Request(key *ecdsa.PrivateKey, s Subject) ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("request certificate %s: %w", p.Name, err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:            pkix.Name{CommonName: p.CommonName(s)},
		DNSNames:           p.DNSNames(s),
		IPAddresses:        p.netIPs(s),
		SignatureAlgorithm: x509.ECDSAWithSHA256,
	}, key)
	if err != nil {
		return nil, fmt.Errorf("request certificate %s: %w", p.Name, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}), nil
}

func (p Purpose) netIPs(s Subject) []net.IP {
	var ips []net.IP
	for _, ip := range p.IPs(s) {
		ips = append(ips, ip.AsSlice())
	}
	return ips
}

// CheckRequest says whether data is a request that Request made on the boot
// server s: that holder of that key asks for those names, and for nothing
// more.  Errors are ErrCSRRefused with the reason.
func (p Purpose) CheckRequest(data []byte, s Subject) (*x509.CertificateRequest, error) {
	csr, err := p.checkRequest(data, s)
	if err != nil {
		return nil, fmt.Errorf("%w: %s of boot server %d: %w", ErrCSRRefused, p.Name, s.LRN, err)
	}
	return csr, nil
}

func (p Purpose) checkRequest(data []byte, s Subject) (*x509.CertificateRequest, error) {
	der, err := single(data, pemRequest)
	if err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	if key, ok := csr.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("its key is not ECDSA on P-256")
	}
	if csr.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		return nil, fmt.Errorf("its signature is %s", csr.SignatureAlgorithm)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, errors.New("its signature is not by its own key")
	}
	return csr, p.sameAsOurs(csr, s)
}

// content is what a request consists of (RFC 2986), as far as it has to be
// told apart.
type content struct {
	Raw        asn1.RawContent
	Version    int
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Attributes asn1.RawValue
}

// sameAsOurs compares the request, but for the key, with one that is made here
// for the same server: whatever else can stand in a request — other names,
// extensions, attributes, another encoding — makes a difference.
func (p Purpose) sameAsOurs(csr *x509.CertificateRequest, s Subject) error {
	ours, err := p.reference(s)
	if err != nil {
		return err
	}
	var got, want content
	if _, err := asn1.Unmarshal(csr.RawTBSCertificateRequest, &got); err != nil {
		return err
	}
	if _, err := asn1.Unmarshal(ours.RawTBSCertificateRequest, &want); err != nil {
		return err
	}
	key, err := x509.MarshalPKIXPublicKey(csr.PublicKey)
	switch {
	case err != nil:
		return err
	case got.Version != want.Version:
		return fmt.Errorf("its version is %d", got.Version)
	case !bytes.Equal(got.Subject.FullBytes, want.Subject.FullBytes):
		return fmt.Errorf("its subject is %.80q, not CN=%s", csr.Subject, p.CommonName(s))
	case !bytes.Equal(got.Key.FullBytes, key):
		return errors.New("its key is encoded in an odd way")
	case !bytes.Equal(got.Attributes.FullBytes, want.Attributes.FullBytes):
		return fmt.Errorf("its names or extensions are not exactly %v %v", p.DNSNames(s), p.IPs(s))
	}
	return nil
}

// reference is a request of this purpose and server with a key of its own.
func (p Purpose) reference(s Subject) (*x509.CertificateRequest, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	data, err := p.Request(key, s)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	return x509.ParseCertificateRequest(block.Bytes)
}
