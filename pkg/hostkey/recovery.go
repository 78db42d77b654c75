package hostkey

import (
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/pkg/pki"
)

// Recovery tells to whom secrets are sealed besides the boot servers.  The one
// that was told so signs it once, like a Record, and it stays good.
type Recovery struct {
	LRN         int      `json:"lrn"`
	Recipients  []string `json:"recipients"`
	Certificate string   `json:"certificate"` // PEM
	Signature   []byte   `json:"signature"`   // ASN.1
}

// SignRecovery makes the list by the boot server lrn with its certificate and key.
func SignRecovery(lrn int, recipients []string, cert *x509.Certificate, key *ecdsa.PrivateKey) (Recovery, error) {
	r := Recovery{LRN: lrn, Recipients: append([]string{}, recipients...), Certificate: string(pki.MarshalCert(cert.Raw))}
	if err := r.check(); err != nil {
		return Recovery{}, fmt.Errorf("recovery recipients: %w", err)
	}
	var err error
	if r.Signature, err = vouch(r.claim(), cert, key); err != nil {
		return Recovery{}, fmt.Errorf("recovery recipients: %w", err)
	}
	return r, nil
}

// claim joins the recipients by what none of them contains, see check.
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

// VerifyRecovery says whether the list was signed by the boot server in it,
// whose address node0 is, with a certificate that roots vouched for when it was
// made.  Else ErrBadSignature with the reason.
func VerifyRecovery(r Recovery, roots *x509.CertPool, node0 netip.Addr) error {
	err := r.check()
	if err == nil {
		// The list outlives the certificate by years, and nobody signs it again: that
		// the key was a boot server's at some time has to do.
		err = vouched(r.claim(), r.Certificate, r.Signature, node0, roots, pki.MadeAt)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return nil
}

// ParseRecovery reads a list in JSON.  It is not verified: what cannot be read is
// none that a boot server signed, ErrBadSignature.
func ParseRecovery(data []byte) (Recovery, error) {
	var r Recovery
	if err := parse(data, &r); err != nil {
		return Recovery{}, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	return r, nil
}
