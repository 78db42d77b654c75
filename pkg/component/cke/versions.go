package cke

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

const (
	// packageDir has a directory with the version of CKE in the package of Neco. It changes
	// when dpkg installs another package.
	packageDir = "/usr/lib/neco/cke"
	// storeDir has copies of the versions that this host starts or has started before,
	// because dpkg removes those of an older package while they run.
	storeDir = "/var/lib/neco/cke"
	// currentLink refers to the version in storeDir that is started. The package's links in
	// /usr/bin and /usr/sbin lead through it; no package owns it.
	currentLink = storeDir + "/current"
	// command is the path of CKE on every host that has it.
	command = "/usr/sbin/cke"
)

// Versions returns the version of CKE that this host starts and the version in the package.
// A version is empty if there is none.
func (Component) Versions(fsys host.FS) (current, packaged string, err error) {
	target, err := os.Readlink(fsys.Path(currentLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	packaged, err = inPackage(fsys)
	return target, packaged, err
}

// inPackage returns the version in the package, or "" if the package has no CKE.
func inPackage(fsys host.FS) (string, error) {
	entries, err := os.ReadDir(fsys.Path(packageDir))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return "", nil
	case err == nil && len(entries) > 1:
		return "", fmt.Errorf("%s has several versions; remove those that are not of the neco package (dpkg -L neco)", packageDir)
	case err != nil:
		return "", err
	}
	return entries[0].Name(), nil
}

// PackageFiles returns the programs in the package, or the command of a CKE that was
// installed without the package.
func (c Component) PackageFiles(fsys host.FS) ([]string, error) {
	packaged, err := inPackage(fsys)
	if err != nil {
		return nil, err
	}
	if packaged == "" {
		return []string{command}, nil
	}
	dir := path.Join(packageDir, packaged)
	entries, err := os.ReadDir(fsys.Path(dir))
	var files []string
	for _, e := range entries {
		files = append(files, path.Join(dir, e.Name()))
	}
	return files, err
}

// Ckecli returns the path of the ckecli in the package, which accepts the template of the
// same package, also before [Component.Switch]. If the package has no CKE, Ckecli returns the
// path of the one on the host.
func Ckecli(fsys host.FS) (string, error) {
	packaged, err := inPackage(fsys)
	if err != nil || packaged == "" {
		return neco.CKECLIBin, err
	}
	return path.Join(packageDir, packaged, path.Base(neco.CKECLIBin)), nil
}

// Switch makes this host start the version in the package from now on, and keeps the one
// before. It may be repeated after a crash. It does nothing if the package has no CKE.
func (c Component) Switch(fsys host.FS) error {
	current, packaged, err := c.Versions(fsys)
	if err != nil || packaged == "" {
		return err
	}
	files, err := c.PackageFiles(fsys)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := fsys.Copy(f, path.Join(storeDir, packaged, path.Base(f)), 0o755); err != nil {
			return err
		}
	}
	if current == packaged {
		return nil
	}
	if err := fsys.Link(packaged, currentLink); err != nil {
		return err
	}
	return clean(fsys, path.Base(currentLink), current, packaged)
}

// Switched reports whether this host starts the programs in the package, byte for byte, or the
// package has no CKE.
func (c Component) Switched(fsys host.FS) (bool, error) {
	current, packaged, err := c.Versions(fsys)
	if err != nil || packaged == "" || current != packaged {
		return packaged == "", err
	}
	files, err := c.PackageFiles(fsys)
	if err != nil {
		return false, err
	}
	for _, f := range files {
		same, err := fsys.Same(f, path.Join(storeDir, packaged, path.Base(f)))
		if err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// clean removes all entries of storeDir but those in keep.
func clean(fsys host.FS, keep ...string) error {
	entries, err := os.ReadDir(fsys.Path(storeDir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if slices.Contains(keep, e.Name()) {
			continue
		}
		if err := os.RemoveAll(fsys.Path(filepath.Join(storeDir, e.Name()))); err != nil {
			return err
		}
	}
	return nil
}
