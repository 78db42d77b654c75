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

// maxRecord is the maximum size in bytes of a record in JSON. A longer record is an
// error.
const maxRecord = 16 << 10

// ErrBadSignature reports that a record is not validly signed by its boot server.
var ErrBadSignature = errors.New("BadSignature")

// claim is a statement of a boot server. The server signs it with the key of its
// certificate (/etc/neco/server.crt).
type claim struct {
	// domain is the name of this kind of statement. It is part of the signed data, so a
	// signature for another kind, or for TLS, does not fit.
	domain string
	lrn    int
	text   string
}

// digest returns the digest that is signed for the claim and the certificate cert. Two
// different claims cannot have the same encoding, because every part of variable length
// is either terminated or the last one.
func (c claim) digest(cert *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%x\x00%s", c.domain, c.lrn, sha256.Sum256(cert.Raw), c.text))
}

// signClaim signs the claim c and returns the signature. key is the private key of the
// boot server's certificate cert.
func signClaim(c claim, cert *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the key is not the certificate's")
	}
	digest := c.digest(cert)
	return ecdsa.SignASN1(rand.Reader, key, digest[:])
}

// verifyClaim returns an error unless signature is a signature of the claim c by the
// key of the certificate certPEM. A CA in roots must have signed that certificate, and
// it must contain node0, the server's address. at is a function that returns the time
// at which a certificate must be valid.
func verifyClaim(c claim, certPEM string, signature []byte, node0 netip.Addr, roots *x509.CertPool, at func(*x509.Certificate) time.Time) error {
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

// parse decodes data, a record of at most maxRecord bytes in JSON, into record.
func parse(data []byte, record any) error {
	if len(data) > maxRecord {
		return fmt.Errorf("more than %d bytes", maxRecord)
	}
	return json.Unmarshal(data, record)
}
