package neco

import (
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile makes data the contents of filename. At every moment, a crash included, the
// file is the old one or the new one. Missing parents are created with mode 0755. The
// file has mode 0644, so WriteFile must not be used for keys.
func WriteFile(filename string, data string) error {
	dir := filepath.Dir(filename)
	if err := os.MkdirAll(dir, 0755); err != nil {
		return fmt.Errorf("write %s: %w", filename, err)
	}
	if err := replaceFile(dir, filename, data); err != nil {
		return fmt.Errorf("write %s: %w", filename, err)
	}
	return nil
}

func replaceFile(dir, filename, data string) error {
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(filename)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // does nothing after the rename
	if err := fillFile(tmp, data); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filename); err != nil {
		return err
	}
	return syncDir(dir)
}

func fillFile(f *os.File, data string) error {
	defer f.Close()
	if _, err := f.WriteString(data); err != nil {
		return err
	}
	if err := f.Chmod(0644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// syncDir makes a rename in dir survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
