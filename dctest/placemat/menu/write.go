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

// manifestFile is the name of a file that lists the files in its directory that Write has
// written.
const manifestFile = ".placemat-menu"

// Write writes the files into dir, which it creates if needed. It removes files that an
// earlier Write has written and that are not in files; it keeps other files. Scripts are
// made executable. Write writes cluster.yml last, so that its absence shows that the
// directory is incomplete.
func Write(dir string, files map[string][]byte) error {
	if err := removeStale(dir, files); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files))
	// The manifest is first, so that a later Write can remove all files of this one.
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

// writeFile writes a file whose slash-separated name is relative to a directory.
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
	return os.Chmod(name, mode) // WriteFile does not change the mode of an existing file
}

// removeStale removes those files from dir that are in the manifest of an earlier Write
// and not in files.
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
			return fmt.Errorf("%s in %s: the name %q is not below that directory", manifestFile, dir, name)
		}
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
