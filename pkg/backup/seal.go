package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cybozu-go/neco/pkg/hostkey"
)

// sealFile encrypts the file from to the recipients, into a new file to, which
// is on the disk when it returns.
func sealFile(from, to string, recipients []string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return create(to, func(out io.Writer) error {
		sealed, err := hostkey.SealTo(out, recipients)
		if err != nil {
			return err
		}
		_, err = io.Copy(sealed, in)
		return errors.Join(err, sealed.Close())
	})
}

// openFile decrypts the file from with id, into a new file to.
func openFile(from, to string, id hostkey.Identity) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return create(to, func(out io.Writer) error {
		plain, err := hostkey.OpenFrom(in, id)
		if err != nil {
			return openingError(err)
		}
		_, err = io.Copy(out, plain)
		return openingError(err)
	})
}

// openingError tells a file that is damaged or cut off from one for another key
// and from a full disk.
func openingError(err error) error {
	if err == nil || errors.Is(err, hostkey.ErrCannotOpen) {
		return err
	}
	if full := diskError(err); errors.Is(full, ErrDiskFull) {
		return full
	}
	return fmt.Errorf("%w: %w", ErrDigestMismatch, err)
}

// create makes a file, for its owner alone, with what write writes, and brings
// it to the disk.
func create(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError(err)
	}
	return diskError(errors.Join(write(f), f.Sync(), f.Close()))
}

// sameWhenOpened makes sure that the encrypted file holds the database of that
// checksum with its trailer.
func sameWhenOpened(file string, id hostkey.Identity, want []byte) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := hostkey.OpenFrom(f, id)
	if err != nil {
		return err
	}
	// The trailer is the checksum of what is before it.
	sum, tail := sha256.New(), &tailWriter{}
	tail.w = sum
	if _, err := io.Copy(tail, plain); err != nil {
		return openingError(err)
	}
	if !bytes.Equal(tail.held, want) || !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("%w: what was encrypted is not the snapshot", ErrDigestMismatch)
	}
	return nil
}

// tailWriter passes on all but the last bytes, as many as a checksum has.
type tailWriter struct {
	w    io.Writer
	held []byte
}

func (t *tailWriter) Write(p []byte) (int, error) {
	t.held = append(t.held, p...)
	if n := len(t.held) - sha256.Size; n > 0 {
		if _, err := t.w.Write(t.held[:n]); err != nil {
			return 0, err
		}
		t.held = append(t.held[:0], t.held[n:]...)
	}
	return len(p), nil
}
