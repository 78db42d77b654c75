package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Dir is the desired state of a directory.
type Dir struct {
	Path string
	Mode os.FileMode

	// UID and GID are the owner of the directory. They are set only if this process is
	// root.
	UID, GID int
}

// MakeDir creates the directory d so that it survives a power loss. An existing directory
// keeps its contents, but gets the mode of d and, if this process is root, the owner.
// Missing parents are created with mode 0755.
func (f FS) MakeDir(d Dir) error {
	name := f.Path(d.Path)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	// Others have no access until owner and mode are set.
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
