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

// sealFile encrypts the file at the path from. recipients are the public keys whose
// owners can decrypt the result, which it writes to a new file at the path to and
// syncs.
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

// openFile decrypts the file at the path from with the key id. It writes the result to
// a new file at the path to and syncs it.
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

// openingError converts an error of decryption. It returns hostkey.ErrCannotOpen if the
// file is not encrypted to the key, ErrDiskFull if the disk is full, and
// ErrDigestMismatch otherwise, because the file is damaged or truncated.
func openingError(err error) error {
	if err == nil || errors.Is(err, hostkey.ErrCannotOpen) {
		return err
	}
	if full := diskError(err); errors.Is(full, ErrDiskFull) {
		return full
	}
	return fmt.Errorf("%w: %w", ErrDigestMismatch, err)
}

// create creates a file with mode 0600. It calls write to write the contents, then
// syncs the file.
func create(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return diskError(err)
	}
	return diskError(errors.Join(write(f), f.Sync(), f.Close()))
}

// sameWhenOpened decrypts the snapshot file with id. It returns an error unless want
// equals both the checksum of the database in the snapshot and the checksum that etcd
// has appended to it.
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
	// The trailer is the checksum of the data before it.
	sum, tail := sha256.New(), &tailWriter{}
	tail.w = sum
	if _, err := io.Copy(tail, plain); err != nil {
		return openingError(err)
	}
	if !bytes.Equal(tail.held, want) || !bytes.Equal(sum.Sum(nil), want) {
		return fmt.Errorf("%w: the encrypted file does not contain the snapshot", ErrDigestMismatch)
	}
	return nil
}

// tailWriter writes its input to w, except the last sha256.Size bytes, which it keeps
// in held.
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
