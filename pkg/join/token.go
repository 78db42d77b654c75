package join

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

// The text of a token is a prefix, followed by a checksum and the contents in base 64
// for URLs.
const (
	tokenPrefix = "neco-join-"
	checkLength = 6
	maxToken    = 4096
)

// Token permits one boot server to join once. When it is printed, a placeholder
// replaces the secret; see Reveal.
type Token struct {
	// LRN, HostName and Bastion are the names and the address of the server that may
	// join. Its certificates can contain no others.
	LRN      int        `json:"lrn"`
	HostName string     `json:"host"`
	Bastion  netip.Addr `json:"bastion,omitzero"`
	// RoleID is the role ID of the server's approle. Secret is the Vault token with
	// which the server registers its secret ID.
	RoleID string `json:"role"`
	Secret string `json:"secret"`
	// Pin is the SHA-256 of the public key of the CA that signs the server
	// certificates.
	Pin []byte `json:"pin"`
	// Version is the version of neco in the data centre.
	Version string    `json:"version"`
	Expires time.Time `json:"expires"`
}

// Format implements fmt.Formatter. It prints a placeholder, to keep the secret out
// of output and logs.
func (Token) Format(w fmt.State, _ rune) { io.WriteString(w, "(join token)") }

// Subject returns the names and addresses of the server that may join with the token.
func (t Token) Subject() pki.Subject { return pki.NewSubject(t.LRN, t.HostName, t.Bastion) }

// Reveal returns the token's text, with the secret. The text is only for a file that no
// other user can read.
func (t Token) Reveal() (string, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("write join token: %w", err)
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(checksum(data), data...)), nil
}

// checksum returns the part of the token's text with which Parse detects a damaged
// token.
func checksum(data []byte) []byte {
	sum := sha256.Sum256(append([]byte("neco join token checksum\x00"), data...))
	return sum[:checkLength]
}

// Parse parses the text of a token. Its errors wrap ErrTokenInvalid and do not contain
// the text.
func Parse(text string) (Token, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("%w: it does not begin with %s", ErrTokenInvalid, tokenPrefix)
	}
	if len(body) > maxToken {
		return Token{}, fmt.Errorf("%w: it has more than %d characters", ErrTokenInvalid, maxToken)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return Token{}, fmt.Errorf("%w: a character in it does not belong there, or it was cut", ErrTokenInvalid)
	}
	if len(raw) < checkLength || !bytes.Equal(raw[:checkLength], checksum(raw[checkLength:])) {
		return Token{}, fmt.Errorf("%w: its checksum is wrong: it was cut, or a character was changed", ErrTokenInvalid)
	}
	var t Token
	if err := json.Unmarshal(raw[checkLength:], &t); err != nil {
		return Token{}, fmt.Errorf("%w: this version of neco cannot read it", ErrTokenInvalid)
	}
	return t, t.validate()
}

func (t Token) validate() error {
	switch {
	case t.RoleID == "", t.Secret == "", t.Version == "", t.Expires.IsZero():
		return fmt.Errorf("%w: it is incomplete", ErrTokenInvalid)
	case len(t.Pin) != sha256.Size:
		return fmt.Errorf("%w: its CA pin is malformed", ErrTokenInvalid)
	}
	if err := t.Subject().Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrTokenInvalid, err)
	}
	return nil
}

// For returns an error unless the server self, with the given version of neco, may join
// with the token at the time now: ErrTokenInvalid if the token is for another server,
// ErrTokenExpired, or ErrVersion.
func (t Token) For(self pki.Subject, version string, now time.Time) error {
	switch {
	case t.LRN != self.LRN:
		return fmt.Errorf("%w: it is for boot server %d, and this is boot server %d", ErrTokenInvalid, t.LRN, self.LRN)
	case t.HostName != self.HostName:
		return fmt.Errorf("%w: it is for the host name %q, and this server is called %q", ErrTokenInvalid, t.HostName, self.HostName)
	case t.Bastion != self.Bastion:
		return fmt.Errorf("%w: it is for the bastion address %s, and this server has %s", ErrTokenInvalid, t.Bastion, self.Bastion)
	case !now.Before(t.Expires):
		return fmt.Errorf("%w: it was valid until %s", ErrTokenExpired, t.Expires.Format(time.RFC3339))
	}
	return sameVersion(version, t.Version)
}

// sameVersion returns ErrVersion unless own, this server's version of neco, equals
// theirs, the version that the data centre runs.
func sameVersion(own, theirs string) error {
	if own != theirs {
		return fmt.Errorf("%w: this server has %s, the data centre runs %s", ErrVersion, own, theirs)
	}
	return nil
}

// pinOf returns the hash by which a [Token] identifies a CA (its Pin). certPEM is the
// certificate of the CA in PEM.
func pinOf(certPEM []byte) ([]byte, error) {
	cert, err := pki.ParseCert(certPEM)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return sum[:], nil
}
