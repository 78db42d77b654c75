package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes an unprivileged program can still write to the file system
// that contains p.
func (f FS) Free(p string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(f.Path(p), &s); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", f.Path(p), err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

// RemoveDir deletes the directory p with its contents, so that a power loss does not
// restore it. It does nothing if p does not exist.
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
