package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// FS is the file system of a host. Paths given to its methods are absolute on
// that host.
type FS struct {
	// Root is the directory that is "/" on the host; empty means "/".
	Root string
}

// File is a file as it should be.
type File struct {
	Path string
	Data []byte
	Mode os.FileMode

	// UID and GID own the file. They matter only where this process is root.
	UID, GID int
}

// Path returns where p is for this process.
func (f FS) Path(p string) string {
	return filepath.Join("/", f.Root, p)
}

// Read returns the contents of the file p.
func (f FS) Read(p string) ([]byte, error) {
	return os.ReadFile(f.Path(p))
}

// Remove makes the file p absent, for good: a power cut does not bring it
// back. It is no error if p is absent already.
func (f FS) Remove(p string) error {
	name := f.Path(p)
	err := os.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// Exists reports whether something is at p.  An error is neither: a disk that
// does not answer holds anything.
func (f FS) Exists(p string) (bool, error) {
	_, err := f.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Stat tells of what is at p.
func (f FS) Stat(p string) (fs.FileInfo, error) {
	return os.Stat(f.Path(p))
}
