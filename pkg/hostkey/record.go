package hostkey

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

// maxRecord bounds a record in JSON.
const maxRecord = 16 << 10

// ErrBadSignature: a record is not one that its boot server made.
var ErrBadSignature = errors.New("BadSignature")

// Record tells to whom a boot server's secrets are sealed.  It is signed with
// the key of the server's certificate (/etc/neco/server.crt) and has to be made
// anew when that is renewed.
type Record struct {
	LRN         int    `json:"lrn"`
	Recipient   string `json:"recipient"`
	Certificate string `json:"certificate"` // PEM
	Signature   []byte `json:"signature"`   // ASN.1, over Digest
}

// Sign makes the record of the boot server lrn with its certificate and key.
func Sign(lrn int, recipient string, cert *x509.Certificate, key *ecdsa.PrivateKey) (Record, error) {
	r := Record{LRN: lrn, Recipient: recipient, Certificate: string(pki.MarshalCert(cert.Raw))}
	if err := CheckRecipient(recipient); err != nil {
		return Record{}, fmt.Errorf("record of boot server %d: %w", lrn, err)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return Record{}, fmt.Errorf("record of boot server %d: the key is not the certificate's", lrn)
	}
	digest := r.digest(cert)
	var err error
	if r.Signature, err = ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
		return Record{}, fmt.Errorf("record of boot server %d: %w", lrn, err)
	}
	return r, nil
}

// domain is signed along, so that no other signature by the same key, such as
// one in TLS, can be taken for that of a record.
const domain = "neco host key record, version 1\x00"

// digest is of what is signed.  Every part that can vary in length is the last
// or has a fixed one.
func (r Record) digest(cert *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf([]byte(domain), "%d\x00%x\x00%s", r.LRN, sha256.Sum256(cert.Raw), r.Recipient))
}

// Verify says whether the record is of the boot server lrn, whose address
// node0 is: signed by the key of a certificate for that address which roots,
// the authorities of boot servers, vouch for now.  Else ErrBadSignature with
// the reason.
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
	cert, err := pki.ParseCert([]byte(r.Certificate))
	if err != nil {
		return err
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: now, DNSName: node0.String(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return errors.New("the certificate's key is not ECDSA")
	}
	digest := r.digest(cert)
	if !ecdsa.VerifyASN1(key, digest[:], r.Signature) {
		return errors.New("the signature is not by the certificate's key")
	}
	return nil
}

// Parse reads a record in JSON.  It is not verified.
func Parse(data []byte) (Record, error) {
	if len(data) > maxRecord {
		return Record{}, fmt.Errorf("parse host key record: more than %d bytes", maxRecord)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("parse host key record: %w", err)
	}
	return r, nil
}
