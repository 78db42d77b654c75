package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	securejoin "github.com/cyphar/filepath-securejoin"
)

// FS is the file system of a host. Its methods take absolute paths on that host.
type FS struct {
	// Root is the directory that is "/" on the host; empty means "/".
	Root string
}

// File is the desired state of a file.
type File struct {
	Path string
	Data []byte
	Mode os.FileMode

	// UID and GID are the owner of the file. They are set only if this process is root.
	UID, GID int
}

// Path converts p, a path on the host, to a path for this process.
func (f FS) Path(p string) string {
	return filepath.Join("/", f.Root, p)
}

// Read returns the contents of the file p on the host.
func (f FS) Read(p string) ([]byte, error) {
	return os.ReadFile(f.Path(p))
}

// Remove deletes the file p, so that a power loss does not restore it. It does nothing if
// p does not exist.
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

// Exists reports whether a file or directory exists at p. After an error, the answer is
// unknown.
func (f FS) Exists(p string) (bool, error) {
	_, err := f.Stat(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Stat returns information about the file or directory at p. It follows symbolic links as
// Follow does.
func (f FS) Stat(p string) (fs.FileInfo, error) {
	name, err := f.Follow(p)
	if err != nil {
		return nil, err
	}
	return os.Stat(name)
}

// Follow converts p, a path on the host, to a path for this process, and follows symbolic
// links. Other than with Path, an absolute link leads to a path below Root.
func (f FS) Follow(p string) (string, error) {
	if f.Root == "" || f.Root == "/" {
		return f.Path(p), nil
	}
	return securejoin.SecureJoin(f.Root, p)
}
