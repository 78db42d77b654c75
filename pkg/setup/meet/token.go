package meet

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// The text of a token is a prefix, followed by the secret and its checksum in base 32,
// in lower case.
const (
	tokenPrefix   = "neco-setup-"
	secretLength  = 32
	checkLength   = 4
	tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
	tokenLength   = ((secretLength+checkLength)*8 + 4) / 5 // number of characters after the prefix
)

// Token is the secret that all servers of one bootstrap share: 256 random bits. When it
// is printed, a placeholder replaces the secret; see Reveal.
type Token struct {
	secret [secretLength]byte
}

// Format implements fmt.Formatter. It prints a placeholder, to keep the secret out
// of output and logs.
func (Token) Format(w fmt.State, _ rune) { io.WriteString(w, "(setup token)") }

// MarshalText always returns an error, so that no encoder stores a token by accident.
func (Token) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("a setup token is not to be written")
}

// NewToken returns a new random token.
func NewToken() Token {
	var t Token
	rand.Read(t.secret[:])
	return t
}

// Reveal returns the token's text, with the secret. The text is only for the operator
// and for a file that no other user can read.
func (t Token) Reveal() string {
	return tokenPrefix + encoding().EncodeToString(append(t.secret[:], t.checksum()...))
}

// checksum returns the part of the token's text with which Parse detects a mistyped
// token.
func (t Token) checksum() []byte {
	sum := sha256.Sum256(append([]byte("neco setup token checksum\x00"), t.secret[:]...))
	return sum[:checkLength]
}

func encoding() *base32.Encoding {
	return base32.NewEncoding(tokenAlphabet).WithPadding(base32.NoPadding)
}

// Parse parses the text of a token, in lower or upper case. Its errors wrap
// ErrTokenInvalid and do not contain the text.
func Parse(text string) (Token, error) {
	body, ok := strings.CutPrefix(strings.ToLower(text), tokenPrefix)
	if !ok {
		return Token{}, fmt.Errorf("%w: it does not begin with %s", ErrTokenInvalid, tokenPrefix)
	}
	if len(body) != tokenLength {
		return Token{}, fmt.Errorf("%w: it has %d characters behind %s, not %d", ErrTokenInvalid, len(body), tokenPrefix, tokenLength)
	}
	raw, err := encoding().DecodeString(body)
	if err != nil {
		return Token{}, fmt.Errorf("%w: it has a character that is not one of %s", ErrTokenInvalid, tokenAlphabet)
	}
	t := Token{[secretLength]byte(raw)}
	switch {
	case !bytes.Equal(raw[secretLength:], t.checksum()), encoding().EncodeToString(raw) != body:
		return Token{}, fmt.Errorf("%w: its checksum is wrong, a character was changed", ErrTokenInvalid)
	case t.zero():
		return Token{}, fmt.Errorf("%w: it is empty", ErrTokenInvalid)
	}
	return t, nil
}

func (t Token) zero() bool {
	return subtle.ConstantTimeCompare(t.secret[:], make([]byte, secretLength)) == 1
}

// keyLength is the length in bytes of a key that [Token.Key] derives.
const keyLength = 32

// Key derives a key of 32 bytes from the token (HKDF). label names the use of the key.
// A key reveals neither the token nor the keys of other labels.
func (t Token) Key(label string) ([]byte, error) {
	if t.zero() {
		return nil, fmt.Errorf("derive key: %w: it is empty", ErrTokenInvalid)
	}
	key, err := hkdf.Key(sha256.New, t.secret[:], nil, "neco setup/1 "+label, keyLength)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}
