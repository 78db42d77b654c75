package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// These constants are the types of PEM blocks.
const (
	pemKey     = "PRIVATE KEY"
	pemRequest = "CERTIFICATE REQUEST"
	pemCert    = "CERTIFICATE"
)

// maxPEM is the maximum number of bytes that are parsed as PEM; more bytes are an
// error. The PEM blocks of this package have less than 2 KiB.
const maxPEM = 16 << 10

// NewKey creates an ECDSA key on P-256. All programs with certificates of this package
// support such keys.
func NewKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// MarshalKey returns the key in PEM (PKCS #8).
func MarshalKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("marshal key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), nil
}

// ParseKey parses the text that MarshalKey returns. Its errors do not contain that
// text.
func ParseKey(data []byte) (*ecdsa.PrivateKey, error) {
	der, err := single(data, pemKey)
	if err != nil {
		return nil, fmt.Errorf("parse key: %w", err)
	}
	any, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("parse key: not in PKCS #8")
	}
	key, ok := any.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("parse key: not ECDSA on P-256")
	}
	return key, nil
}

// ParseCert parses data, one certificate in PEM. It returns an error if data contains
// anything else.
func ParseCert(data []byte) (*x509.Certificate, error) {
	der, err := single(data, pemCert)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse certificate: %w", err)
	}
	return cert, nil
}

// MarshalCert returns the certificate der, in DER, as PEM.
func MarshalCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCert, Bytes: der})
}

// single returns the contents of the PEM block in data. It returns an error unless data
// is exactly one block of the type kind, without headers and in the encoding that Go
// writes. Only the last newline may be missing, because Vault omits it.
func single(data []byte, kind string) ([]byte, error) {
	if len(data) > maxPEM {
		return nil, fmt.Errorf("more than %d bytes", maxPEM)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("not in PEM")
	}
	if block.Type != kind {
		return nil, fmt.Errorf("not a %s", kind)
	}
	plain := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: block.Bytes})
	if !bytes.Equal(bytes.TrimRight(data, "\n"), bytes.TrimRight(plain, "\n")) {
		return nil, errors.New("something besides one plain PEM block")
	}
	return block.Bytes, nil
}
