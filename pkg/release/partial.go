package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// partialPattern is the name pattern of partial files, by which tidy finds the partial
// files that a crash has left.
const partialPattern = ".fetch-*.partial"

// partial is an incompletely downloaded file with the digest of its content. It must not
// be used concurrently.
type partial struct {
	file  *os.File
	hash  hash.Hash
	size  int64
	moved bool // the file was renamed to its final name
}

func newPartial(dir string) (*partial, error) {
	file, err := os.CreateTemp(dir, partialPattern)
	if err != nil {
		return nil, diskError(err)
	}
	return &partial{file: file, hash: sha256.New()}, nil
}

// Write appends data to the file, and updates the digest by the part that was written.
func (p *partial) Write(data []byte) (int, error) {
	n, err := p.file.Write(data)
	p.hash.Write(data[:n])
	p.size += int64(n)
	return n, diskError(err)
}

// reset empties the file and its digest.
func (p *partial) reset() error {
	if p.size == 0 {
		return nil
	}
	if err := p.file.Truncate(0); err != nil {
		return diskError(err)
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.hash.Reset()
	p.size = 0
	return nil
}

// room returns ErrDiskFull if the file system has no space for length more bytes. It
// returns nil if the free space is unknown.
func (p *partial) room(length int64) error {
	var st unix.Statfs_t
	if length <= 0 || unix.Fstatfs(int(p.file.Fd()), &st) != nil {
		return nil
	}
	if free := st.Bavail * uint64(st.Bsize); uint64(length) > free {
		return fmt.Errorf("%w: %d bytes are needed, %d are free", ErrDiskFull, length, free)
	}
	return nil
}

func (p *partial) sum() string { return hex.EncodeToString(p.hash.Sum(nil)) }

// commit renames the file to dst. The file and its name then survive a power loss.
func (p *partial) commit(dst string) error {
	if err := p.file.Chmod(0o644); err != nil {
		return err
	}
	if err := p.file.Sync(); err != nil {
		return diskError(err)
	}
	if err := os.Rename(p.file.Name(), dst); err != nil {
		return err
	}
	p.moved = true
	return syncDir(filepath.Dir(dst))
}

// discard closes the file, and removes it unless it was committed.
func (p *partial) discard() {
	p.file.Close()
	if !p.moved {
		os.Remove(p.file.Name())
	}
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
