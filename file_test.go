package neco

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a", "b", "file")
	for _, data := range []string{"one", "two"} {
		if err := WriteFile(name, data); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || string(got) != data {
			t.Errorf("contents = %q, %v", got, err)
		}
	}
	for path, mode := range map[string]os.FileMode{name: 0644, filepath.Dir(name): 0755 | os.ModeDir} {
		if fi, err := os.Stat(path); err != nil || fi.Mode() != mode {
			t.Errorf("%s: %v, %v", path, fi.Mode(), err)
		}
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestWriteFileNamesWhatItCouldNotWrite(t *testing.T) {
	file := tempFile(t, "")
	if err := WriteFile(filepath.Join(file, "x"), ""); err == nil {
		t.Error("a file as a parent is no error")
	}
}
