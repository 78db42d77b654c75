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

// ErrCSRRefused reports that a certificate request differs from the only one that the
// profile and the server permit.
var ErrCSRRefused = errors.New("CSRRefused")

// Request returns a request, in PEM, for a certificate with the profile p on the server
// s. key is the key of the certificate and signs the request.
func (p Profile) Request(key *ecdsa.PrivateKey, s Subject) ([]byte, error) {
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

func (p Profile) netIPs(s Subject) []net.IP {
	var ips []net.IP
	for _, ip := range p.IPs(s) {
		ips = append(ips, ip.AsSlice())
	}
	return ips
}

// CheckRequest parses a request in PEM. Apart from its key, which must be ECDSA on
// P-256, the request must equal the one that Request makes for s; other names,
// extensions or attributes are errors. Its errors wrap ErrCSRRefused.
func (p Profile) CheckRequest(data []byte, s Subject) (*x509.CertificateRequest, error) {
	csr, err := p.checkRequest(data, s)
	if err != nil {
		return nil, fmt.Errorf("%w: %s of boot server %d: %w", ErrCSRRefused, p.Name, s.LRN, err)
	}
	return csr, nil
}

func (p Profile) checkRequest(data []byte, s Subject) (*x509.CertificateRequest, error) {
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

// content is the signed part of a request (CertificationRequestInfo in RFC 2986).
type content struct {
	Raw        asn1.RawContent
	Version    int
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Attributes asn1.RawValue
}

// sameAsOurs returns an error unless csr, except for its key, equals the request that
// reference returns for s. Other names, extensions, attributes or encodings are errors.
func (p Profile) sameAsOurs(csr *x509.CertificateRequest, s Subject) error {
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
		return errors.New("its key is not in the canonical encoding")
	case !bytes.Equal(got.Attributes.FullBytes, want.Attributes.FullBytes):
		return fmt.Errorf("its names or extensions are not exactly %v %v", p.DNSNames(s), p.IPs(s))
	}
	return nil
}

// reference returns the permitted request for a certificate with the profile p on the
// server s, with a temporary key.
func (p Profile) reference(s Subject) (*x509.CertificateRequest, error) {
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
