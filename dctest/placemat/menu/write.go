package menu

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// manifestFile lists what Write has written into a directory.
const manifestFile = ".placemat-menu"

// Write writes the files into dir and makes it if need be.  Of those that an
// earlier Write has left there, what is not among them is removed; files that it
// has not written stay.  Scripts are made executable.  The last one is
// cluster.yml: a directory that has never had it is not complete.
func Write(dir string, files map[string][]byte) error {
	if err := removeStale(dir, files); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files))
	// First: whatever is written after it can be removed again.
	if err := writeFile(dir, manifestFile, []byte(strings.Join(names, "\n")+"\n")); err != nil {
		return err
	}
	if i, ok := slices.BinarySearch(names, cluster.ServersFile); ok {
		names = append(slices.Delete(names, i, i+1), cluster.ServersFile)
	}
	for _, name := range names {
		if err := writeFile(dir, name, files[name]); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes one file, whose name uses slashes.
func writeFile(dir, name string, data []byte) error {
	mode := os.FileMode(0o644)
	if bytes.HasPrefix(data, []byte("#!")) {
		mode = 0o755
	}
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, data, mode); err != nil {
		return err
	}
	return os.Chmod(name, mode) // it may have been there
}

// removeStale removes what the manifest names and files do not have.
func removeStale(dir string, files map[string][]byte) error {
	manifest, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range strings.Lines(string(manifest)) {
		name = strings.TrimSuffix(name, "\n")
		if _, ok := files[name]; ok {
			continue
		}
		if !fs.ValidPath(name) {
			return fmt.Errorf("%s in %s names %q, which is not below it", manifestFile, dir, name)
		}
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
