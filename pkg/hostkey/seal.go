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

// maxSealed bounds what Open reads: secrets are short.  Streams have no bound.
const maxSealed = 1 << 20

// ErrCannotOpen: the text is not sealed to this identity, or it was changed.
var ErrCannotOpen = errors.New("not sealed to this key")

// ErrNotSealed: it is nothing that Seal has made, or its beginning is damaged.
var ErrNotSealed = errors.New("it is no sealed text, or damaged")

// CheckRecipient says whether text is one to whom can be sealed: age1….
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
		return nil, fmt.Errorf("recipient %.24q…: age would not let boot servers share a text with it; only plain keys of age-keygen (age1…, 62 characters) will do", text)
	}
	return nil, fmt.Errorf("recipient %.80q: not a public key of age (age1…, 62 characters)", text)
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
		return nil, errors.New("no recipient: nobody could open it")
	}
	return all, nil
}

// Sealed says whether text looks like what Seal makes; anything else is in
// clear.
func Sealed(text string) bool {
	return strings.HasPrefix(strings.TrimSpace(text), armor.Header)
}

// Seal encrypts plaintext so that each of the recipients (age1…) alone can
// open it, and returns it in age's armour.
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

// SealTo is Seal for streams, without armour.  What was written is complete
// only after Close, which leaves w open.
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

// Open returns what Seal encrypted; ErrCannotOpen if it is not for id.
func Open(armoured string, id Identity) ([]byte, error) {
	if len(armoured) > maxSealed {
		return nil, fmt.Errorf("open sealed text: more than %d bytes", maxSealed)
	}
	r, err := OpenFrom(armor.NewReader(strings.NewReader(armoured)), id)
	if err != nil {
		return nil, err
	}
	plaintext, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("open sealed text: %w", err)
	}
	return plaintext, nil
}

// OpenFrom is Open for streams, without armour.  What it returns is whole only
// if it was read up to io.EOF: a part that was changed or cut off is another
// error.
func OpenFrom(r io.Reader, id Identity) (io.Reader, error) {
	if id.key == nil {
		return nil, fmt.Errorf("open sealed text: %w", ErrCannotOpen)
	}
	plain, err := age.Decrypt(r, id.key)
	if none := (*age.NoIdentityMatchError)(nil); errors.As(err, &none) {
		return nil, fmt.Errorf("open sealed text: %w", ErrCannotOpen)
	}
	if unread := (*fs.PathError)(nil); errors.As(err, &unread) {
		return nil, fmt.Errorf("open sealed text: %w", unread)
	}
	if err != nil { // which repeats what it has read
		return nil, fmt.Errorf("open sealed text: %w", ErrNotSealed)
	}
	return plain, nil
}
