package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes a program may still write to the file system
// that holds p.
func (f FS) Free(p string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(f.Path(p), &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", f.Path(p), err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// RemoveDir takes the directory p with all that is in it away. It is no error
// if p is absent already.
func (f FS) RemoveDir(p string) error {
	name := f.Path(p)
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
