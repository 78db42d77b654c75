package host

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write gives the file at file.Path the contents, the mode and, if this process is
// root, the owner in file. It reports whether that changed anything. It creates missing
// parents with mode 0755.
//
// Even after a crash or a power loss, the old file or the complete new file exists.
// When Write returns nil, the new file is on the disk.
func (f FS) Write(file File) (changed bool, err error) {
	name := f.Path(file.Path)
	if isAs(name, file) {
		return false, nil
	}
	if err := makeDir(filepath.Dir(name)); err != nil {
		return false, fmt.Errorf("write %s: %w", name, err)
	}
	if err := replace(name, file, bytes.NewReader(file.Data)); err != nil {
		return false, fmt.Errorf("write %s: %w", name, err)
	}
	return true, nil
}

// Copy makes the file to a copy of the file from, with the given permission bits. It holds
// no file in memory. For crashes, what is said for [FS.Write] holds.
func (f FS) Copy(from, to string, mode fs.FileMode) error {
	in, err := os.Open(f.Path(from))
	if err != nil {
		return err
	}
	defer in.Close()
	name := f.Path(to)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := replace(name, File{Mode: mode}, in); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Same reports whether the files a and b exist and have the same contents. It holds no file
// in memory.
func (f FS) Same(a, b string) (bool, error) {
	var sums [2][sha256.Size]byte
	for i, name := range [2]string{a, b} {
		file, err := os.Open(f.Path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, file)
		if err := errors.Join(err, file.Close()); err != nil {
			return false, fmt.Errorf("read %s: %w", file.Name(), err)
		}
		sum.Sum(sums[i][:0])
	}
	return sums[0] == sums[1], nil
}

// Link makes the file called name a symbolic link to target, also in place of another
// link. For crashes, what is said for [FS.Write] holds.
func (f FS) Link(target, name string) error {
	full := f.Path(name)
	if err := makeDir(filepath.Dir(full)); err != nil {
		return fmt.Errorf("link %s: %w", full, err)
	}
	err := put(full, func(tmp string) error { return os.Symlink(target, tmp) })
	if err != nil {
		return fmt.Errorf("link %s: %w", full, err)
	}
	return nil
}

func isAs(name string, file File) bool {
	fi, err := os.Lstat(name)
	if err != nil || fi.Mode() != file.Mode.Perm() {
		return false
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if int(st.Uid) != file.UID || int(st.Gid) != file.GID {
			return false
		}
	}
	data, err := os.ReadFile(name)
	return err == nil && bytes.Equal(data, file.Data)
}

// replace gives the file called name the contents of r, and the owner and the mode of file.
func replace(name string, file File, r io.Reader) error {
	return put(name, func(tmp string) error { return create(tmp, file, r) })
}

// put calls create, which makes a temporary file beside name, and renames that file to
// name. The temporary name is fixed, so that the next attempt overwrites the temporary
// file of an interrupted attempt.
func put(name string, create func(tmp string) error) error {
	tmp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".neco-new")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := create(tmp); err != nil {
		os.Remove(tmp)
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(name))
}

// create creates the file name with the contents of r and the owner and mode of file, and
// syncs it. Nobody else can read it before the mode is set.
func create(name string, file File, r io.Reader) error {
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0600)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := io.Copy(w, r); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		if err := w.Chown(file.UID, file.GID); err != nil {
			return err
		}
	}
	if err := w.Chmod(file.Mode.Perm()); err != nil {
		return err
	}
	if err := w.Sync(); err != nil {
		return err
	}
	return w.Close()
}

// makeDir creates dir and its missing parents, with mode 0755, so that they survive a
// power loss.
func makeDir(dir string) error {
	fi, err := os.Stat(dir)
	if err == nil && fi.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// syncDir syncs dir, so that changes of its entries survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
