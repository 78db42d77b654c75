package hostkey

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Recovery is the list of recovery keys: recipients of secrets in addition to the boot
// servers. The boot server on which setup received the list has signed it, once; the
// signature stays valid after the server's certificate has expired.
type Recovery struct {
	LRN         int      `json:"lrn"`
	Recipients  []string `json:"recipients"`
	Certificate string   `json:"certificate"` // PEM
	Signature   []byte   `json:"signature"`   // ASN.1
}

// SignRecovery returns a list of the recipients, signed by the boot server lrn. key is
// the private key of that server's certificate cert.
func SignRecovery(lrn int, recipients []string, cert *x509.Certificate, key *ecdsa.PrivateKey) (Recovery, error) {
	r := Recovery{LRN: lrn, Recipients: append([]string{}, recipients...), Certificate: string(pki.MarshalCert(cert.Raw))}
	if err := r.check(); err != nil {
		return Recovery{}, fmt.Errorf("recovery recipients: %w", err)
	}
	var err error
	if r.Signature, err = signClaim(r.claim(), cert, key); err != nil {
		return Recovery{}, fmt.Errorf("recovery recipients: %w", err)
	}
	return r, nil
}

// claim returns the [claim] that the signature of the list covers. It joins the
// recipients by newlines, which a recipient cannot contain.
func (r Recovery) claim() claim {
	return claim{"neco recovery recipients, version 1", r.LRN, strings.Join(r.Recipients, "\n")}
}

func (r Recovery) check() error {
	for _, recipient := range r.Recipients {
		if err := CheckRecipient(recipient); err != nil {
			return err
		}
	}
	return nil
}

// VerifyRecovery returns an error that wraps ErrBadSignature unless the boot server
// r.LRN has signed r. A CA in roots must have signed the certificate in r, which must
// contain node0, the server's address, and may have expired.
func VerifyRecovery(r Recovery, roots *x509.CertPool, node0 netip.Addr) error {
	err := r.check()
	if err == nil {
		// The list is never signed again and outlives the certificate by years. So the
		// certificate is verified at the time of its issue.
		err = verifyClaim(r.claim(), r.Certificate, r.Signature, node0, roots, pki.MadeAt)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return nil
}

// ParseRecovery decodes a list from JSON. It does not verify the signature. A malformed
// list is ErrBadSignature, because no boot server has signed it.
func ParseRecovery(data []byte) (Recovery, error) {
	var r Recovery
	if err := parse(data, &r); err != nil {
		return Recovery{}, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return r, nil
}
