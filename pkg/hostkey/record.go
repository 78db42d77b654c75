package hostkey

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Record is the host key record of a boot server: it contains the server's recipient
// (public key). It is signed with the key of the server's certificate
// (/etc/neco/server.crt) and must be signed again when that certificate is renewed.
type Record struct {
	LRN         int    `json:"lrn"`
	Recipient   string `json:"recipient"`
	Certificate string `json:"certificate"` // PEM
	Signature   []byte `json:"signature"`   // ASN.1
}

// Sign returns the record of the boot server with the logical rack number (LRN) lrn.
// The record contains the server's recipient and is signed with key, the key of the
// server's certificate cert.
func Sign(lrn int, recipient string, cert *x509.Certificate, key *ecdsa.PrivateKey) (Record, error) {
	r := Record{LRN: lrn, Recipient: recipient, Certificate: string(pki.MarshalCert(cert.Raw))}
	if err := CheckRecipient(recipient); err != nil {
		return Record{}, fmt.Errorf("record of boot server %d: %w", lrn, err)
	}
	var err error
	if r.Signature, err = signClaim(r.claim(), cert, key); err != nil {
		return Record{}, fmt.Errorf("record of boot server %d: %w", lrn, err)
	}
	return r, nil
}

func (r Record) claim() claim { return claim{"neco host key record, version 1", r.LRN, r.Recipient} }

// Verify returns an error that wraps ErrBadSignature unless r is a validly signed
// record of the boot server lrn. A CA in roots must have signed the certificate in r,
// which must contain node0, the server's address, and be valid at the time now.
func Verify(r Record, roots *x509.CertPool, lrn int, node0 netip.Addr, now time.Time) error {
	if err := verify(r, roots, lrn, node0, now); err != nil {
		return fmt.Errorf("host key of boot server %d: %w: %w", lrn, ErrBadSignature, err)
	}
	return nil
}

func verify(r Record, roots *x509.CertPool, lrn int, node0 netip.Addr, now time.Time) error {
	if r.LRN != lrn {
		return fmt.Errorf("it is that of boot server %d", r.LRN)
	}
	if err := CheckRecipient(r.Recipient); err != nil {
		return err
	}
	return verifyClaim(r.claim(), r.Certificate, r.Signature, node0, roots, func(*x509.Certificate) time.Time { return now })
}

// Parse decodes a record from JSON. It does not verify the signature.
func Parse(data []byte) (Record, error) {
	var r Record
	if err := parse(data, &r); err != nil {
		return Record{}, fmt.Errorf("parse host key record: %w", err)
	}
	return r, nil
}
