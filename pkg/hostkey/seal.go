package hostkey

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// maxSealed is the maximum number of bytes that Open accepts; a longer text is an
// error. OpenFrom has no limit.
const maxSealed = 1 << 20

// ErrCannotOpen reports that a text is not encrypted to the given identity, or that the
// list of recipients in the text was changed.
var ErrCannotOpen = errors.New("not encrypted to this key")

// ErrNotSealed reports that a text is not encrypted with age, or that its header is
// damaged.
var ErrNotSealed = errors.New("not an encrypted text, or damaged")

// CheckRecipient returns an error unless text is a plain public key of age (age1…).
func CheckRecipient(text string) error {
	_, err := parseRecipient(text)
	return err
}

func parseRecipient(text string) (age.Recipient, error) {
	if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return nil, errors.New("recipient: this is a secret key; give its public half, age1…")
	}
	r, err := age.ParseX25519Recipient(text)
	switch {
	case err == nil:
		return r, nil
	case strings.HasPrefix(text, "age1pq1"), strings.HasPrefix(text, "age1") && strings.Count(text, "1") > 1 && len(text) > 80:
		return nil, fmt.Errorf("recipient %.24q…: age cannot encrypt one text to it and to boot servers; use a plain key of age-keygen (age1…, 62 characters)", text)
	}
	return nil, fmt.Errorf("recipient %.80q: not a public age key (age1…, 62 characters)", text)
}

func parseRecipients(texts []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, text := range texts {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, errors.New("no recipient")
	}
	return all, nil
}

// Sealed reports whether text starts like a text that Seal returns. If it does not,
// text is not encrypted.
func Sealed(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), armor.Header)
}

// Seal returns plaintext encrypted, as text (age's armour). Each of the recipients
// (age1…) can decrypt it.
func Seal(plaintext []byte, recipients []string) (string, error) {
	var out bytes.Buffer
	armoured := armor.NewWriter(&out)
	w, err := SealTo(armoured, recipients)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(plaintext); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if err := errors.Join(w.Close(), armoured.Close()); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return out.String(), nil
}

// SealTo returns a writer that encrypts its input as [Seal] does, but without armour,
// and writes the result to w. The result is complete only after Close, which does not
// close w.
func SealTo(w io.Writer, recipients []string) (io.WriteCloser, error) {
	all, err := parseRecipients(recipients)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed, err := age.Encrypt(w, all...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts a text that Seal has returned. It returns ErrCannotOpen if the text is
// not encrypted to id, and ErrNotSealed if it is not encrypted or its header is
// damaged.
func Open(armoured string, id Identity) ([]byte, error) {
	if len(armoured) > maxSealed {
		return nil, fmt.Errorf("decrypt: more than %d bytes", maxSealed)
	}
	r, err := OpenFrom(armor.NewReader(strings.NewReader(armoured)), id)
	if err != nil {
		return nil, err
	}
	plaintext, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return plaintext, nil
}

// OpenFrom decrypts r, which must not be armoured (age's text format), and returns a
// reader of the decrypted data. Its errors are those of Open. The data is complete and unchanged
// only if it is read up to io.EOF; for a changed or missing part, the reader returns
// another error.
func OpenFrom(r io.Reader, id Identity) (io.Reader, error) {
	if id.key == nil {
		return nil, fmt.Errorf("decrypt: %w", ErrCannotOpen)
	}
	plain, err := age.Decrypt(r, id.key)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, fmt.Errorf("decrypt: %w", ErrCannotOpen)
	}
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("decrypt: %w", unread)
	}
	if err != nil { // not returned, because it quotes the data
		return nil, fmt.Errorf("decrypt: %w", ErrNotSealed)
	}
	return plain, nil
}
