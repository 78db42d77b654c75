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

// How a token looks like: a prefix, then the secret and its checksum in base
// 32, in lower case.
const (
	tokenPrefix   = "neco-setup-"
	secretLength  = 32
	checkLength   = 4
	tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
	tokenLength   = ((secretLength+checkLength)*8 + 4) / 5 // characters behind the prefix
)

// Token is the secret that all servers of one bootstrap know: 256 random bits.
// It prints as a word that tells nothing; see Reveal.
type Token struct {
	secret [secretLength]byte
}

// Format keeps the secret out of whatever is printed or logged.
func (Token) Format(w fmt.State, _ rune) { io.WriteString(w, "(setup token)") }

// MarshalText refuses: a token is not stored by accident.
func (Token) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("a setup token is not to be written")
}

// NewToken makes a token.
func NewToken() Token {
	var t Token
	rand.Read(t.secret[:])
	return t
}

// Reveal returns the token's text, for the eyes of the operator and for a file
// that nobody else can read.
func (t Token) Reveal() string {
	return tokenPrefix + encoding().EncodeToString(append(t.secret[:], t.checksum()...))
}

// checksum finds mistyped tokens.
func (t Token) checksum() []byte {
	sum := sha256.Sum256(append([]byte("neco setup token checksum\x00"), t.secret[:]...))
	return sum[:checkLength]
}

func encoding() *base32.Encoding {
	return base32.NewEncoding(tokenAlphabet).WithPadding(base32.NoPadding)
}

// Parse reads a token's text, which may be in upper case.  Errors are
// ErrTokenInvalid; they say what is wrong and never repeat the text.
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
		return Token{}, fmt.Errorf("%w: a character in it is none of %s", ErrTokenInvalid, tokenAlphabet)
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

// keyLength of keys derived from a token.
const keyLength = 32

// Key derives a key of 32 bytes for one use, which label names.  Keys of
// different labels tell nothing of each other or of the token.
func (t Token) Key(label string) ([]byte, error) {
	if t.zero() {
		return nil, fmt.Errorf("derive key: %w: there is none", ErrTokenInvalid)
	}
	key, err := hkdf.Key(sha256.New, t.secret[:], nil, "neco setup/1 "+label, keyLength)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}
