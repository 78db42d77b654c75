package backup

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// pageSize is what the size of a database is a multiple of.
const pageSize = 512

// Inspect reads the snapshot in the file, as etcd sent it, from end to end:
// its trailer, the structure of the database, and every revision of every key.
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

// checkTrailer compares the checksum that etcd adds to a snapshot, and returns
// it.  Whatever was changed or cut off behind etcd shows here.
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
		return nil, fmt.Errorf("%w: %d bytes are no database with its checksum", ErrTruncated, fi.Size())
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
		return nil, fmt.Errorf("%w: its checksum is another", ErrDigestMismatch)
	}
	return trailer, nil
}

// corrupt marks what is wrong with a database.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrCorrupt, fmt.Errorf(format, args...))
}
