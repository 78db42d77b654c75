package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Dir is a directory as it should be.
type Dir struct {
	Path string
	Mode os.FileMode

	// UID and GID own the directory. They matter only where this process is
	// root.
	UID, GID int
}

// MakeDir makes the directory as d says, for good. One that is there keeps its
// contents and gets the mode and, if this process is root, the owner of d.
// Missing parents are made with mode 0755.
func (f FS) MakeDir(d Dir) error {
	name := f.Path(d.Path)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	// What is made here is nobody else's until it is as it should be.
	if err := os.Mkdir(name, 0700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	fi, err := os.Lstat(name)
	if err != nil {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	if !fi.IsDir() {
		return fmt.Errorf("make directory %s: %w", name, syscall.ENOTDIR)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(name, d.UID, d.GID); err != nil {
			return fmt.Errorf("make directory %s: %w", name, err)
		}
	}
	if err := os.Chmod(name, d.Mode.Perm()); err != nil {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	return syncDir(filepath.Dir(name))
}
