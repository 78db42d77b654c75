package backup

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// pageSize divides the size in bytes of every database.
const pageSize = 512

// Inspect checks the decrypted snapshot file completely: its trailer, the structure of
// the database, and every revision of every key.
func Inspect(file string) (Info, error) {
	info, err := inspect(file)
	if err != nil {
		return Info{}, fmt.Errorf("snapshot: %w", err)
	}
	return info, nil
}

func inspect(file string) (Info, error) {
	digest, err := checkTrailer(file)
	if err != nil {
		return Info{}, err
	}
	info, err := readDatabase(file)
	info.SHA256 = digest
	return info, err
}

// checkTrailer compares the checksum that etcd has appended to the snapshot with the
// data, and returns it.  It finds every change since etcd sent the snapshot.
func checkTrailer(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := fi.Size() - sha256.Size
	if size <= 0 || size%pageSize != 0 {
		return nil, fmt.Errorf("%w: a database with its checksum cannot have %d bytes", ErrTruncated, fi.Size())
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, f, size); err != nil {
		return nil, err
	}
	trailer, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(trailer, sum.Sum(nil)) {
		return nil, fmt.Errorf("%w: its checksum differs from the data", ErrDigestMismatch)
	}
	return trailer, nil
}

// corrupt returns ErrCorrupt with the reason.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}
