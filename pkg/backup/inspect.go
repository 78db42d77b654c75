package backup

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// pageSize is a number that divides the size in bytes of every database of etcd.
const pageSize = 512

// Inspect checks the decrypted snapshot file: the checksum at its end, the structure of
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

// checkTrailer returns the checksum that etcd has appended to the snapshot. It returns
// ErrDigestMismatch if the snapshot has changed since etcd sent it, and ErrTruncated if
// its end is missing.
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

// corrupt returns an error that consists of a formatted reason and wraps ErrCorrupt.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}
