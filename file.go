package neco

import (
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces the contents of filename with data. The replacement is atomic,
// also in a crash: the file has either the old or the new contents. Missing parents are
// created with mode 0755. The file has mode 0644, so WriteFile must not be used for
// keys.
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

// syncDir syncs the directory dir, so that an earlier rename in dir survives a power
// loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
