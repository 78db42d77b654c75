package release

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cybozu-go/neco"
)

// keptPackages is how many packages remain on a host in addition to the one that Stage
// stores: the installed one and its predecessor.
const keptPackages = 2

// tidy removes from the directory the files of interrupted downloads, and all packages
// except the package of v and the newest keptPackages of the others. Files with other
// names remain.
func tidy(dir string, v Version) error {
	if err := removePartials(dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var others []Version
	var errs []error
	for _, e := range entries {
		if other, ok := packageVersion(e.Name()); ok && other != v {
			others = append(others, other)
		}
	}
	slices.SortFunc(others, func(a, b Version) int { return b.Compare(a) })
	for _, old := range others[min(keptPackages, len(others)):] {
		errs = append(errs, remove(dir, PackageFile(old)+sumSuffix), remove(dir, PackageFile(old)))
	}
	return errors.Join(errs...)
}

// removePartials removes the files of interrupted downloads from the directory.
func removePartials(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, partialPattern))
	for _, name := range left {
		err = errors.Join(err, remove(dir, filepath.Base(name)))
	}
	return err
}

// packageVersion returns the version from the name of a package file.
func packageVersion(name string) (Version, bool) {
	text := strings.TrimSuffix(strings.TrimPrefix(name, neco.NecoPackageName+"_"), "_"+Architecture+".deb")
	v, err := Parse(text)
	return v, err == nil && PackageFile(v) == name
}

func remove(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
