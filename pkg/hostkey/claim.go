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

// claim is what a boot server vouches for with the key of its certificate
// (/etc/neco/server.crt).
type claim struct {
	// domain is signed along, so that no other signature by the same key, such as
	// one in TLS, or for another kind of record, can be taken for that of this one.
	domain string
	lrn    int
	text   string
}

// digest is of what is signed.  Every part that can vary in length is the last
// or has an end.
func (c claim) digest(cert *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%x\x00%s", c.domain, c.lrn, sha256.Sum256(cert.Raw), c.text))
}

// vouch signs the claim.
func vouch(c claim, cert *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the key is not the certificate's")
	}
	digest := c.digest(cert)
	return ecdsa.SignASN1(rand.Reader, key, digest[:])
}

// vouched says whether the claim is signed by the key of a certificate for the
// address node0 which roots, the authorities of boot servers, vouch for at the
// time that at chooses.
func vouched(c claim, certPEM string, signature []byte, node0 netip.Addr, roots *x509.CertPool, at func(*x509.Certificate) time.Time) error {
	cert, err := pki.ParseCert([]byte(certPEM))
	if err != nil {
		return err
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots: roots, CurrentTime: at(cert), DNSName: node0.String(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return errors.New("the certificate's key is not ECDSA")
	}
	digest := c.digest(cert)
	if !ecdsa.VerifyASN1(key, digest[:], signature) {
		return errors.New("the signature is not by the certificate's key")
	}
	return nil
}

// parse reads a record in JSON.
func parse(data []byte, record any) error {
	if len(data) > maxRecord {
		return fmt.Errorf("more than %d bytes", maxRecord)
	}
	return json.Unmarshal(data, record)
}
