package component

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Prober is a component with a readiness check in addition to its units and container.
type Prober interface {
	// Probe returns nil if the program works on this host. It may make the program ready,
	// for example unseal it. It is called again until it returns nil or ctx ends.
	Probe(ctx context.Context, h Host, t Target) error
}

// Partial is a component that needs a restart only if certain parts of its files have
// changed.
type Partial interface {
	// Effective returns the part of f's contents whose change requires a restart.
	Effective(f host.File) []byte
}

// effective returns the part of f's contents whose change requires a restart: all, unless
// c is [Partial].
func effective(c Component, f host.File) []byte {
	if p, ok := c.(Partial); ok {
		return p.Effective(f)
	}
	return f.Data
}

// Packaged is a component whose program comes from a Debian package.
type Packaged interface {
	// PackageFiles returns the files of the package that the program uses, beginning with
	// an executable. A change of one requires a restart.
	PackageFiles(fsys host.FS) ([]string, error)
}

// Versioned is a component of which a host may have several versions, of which it starts
// one. The package of Neco contains another one until an update switches to it.
type Versioned interface {
	Packaged
	// Versions returns the version that the host starts and the version in the package; a
	// version is "" if there is none.
	Versions(fsys host.FS) (current, packaged string, err error)
	// Switched reports whether the host starts exactly the files in the package, or the
	// package has none. A package may contain other files of the same version.
	Switched(fsys host.FS) (bool, error)
	// Switch makes the host start the version in the package. The caller makes sure that the
	// current version runs on no boot server if the two must not mix.
	Switch(fsys host.FS) error
}

// Installed reports whether the executable of c is installed on this host.
func Installed(fsys host.FS, c Packaged) (bool, error) {
	files, err := c.PackageFiles(fsys)
	if err != nil || len(files) == 0 {
		return false, err
	}
	return fsys.Exists(files[0])
}

// switchVersion makes the host start the version of c in the package.
func switchVersion(h Host, c Component) error {
	v, ok := c.(Versioned)
	if !ok {
		return nil
	}
	return v.Switch(h.FS)
}

// switchFirst does the same as switchVersion if the host starts no version yet.
func switchFirst(h Host, c Component) error {
	v, ok := c.(Versioned)
	if !ok {
		return nil
	}
	current, _, err := v.Versions(h.FS)
	if err != nil || current != "" {
		return err
	}
	return v.Switch(h.FS)
}

// sumPackageFiles writes the paths and the contents of the package's files that c uses to
// w. It skips files that do not exist.
func sumPackageFiles(w io.Writer, fsys host.FS, c Component) error {
	p, ok := c.(Packaged)
	if !ok {
		return nil
	}
	names, err := p.PackageFiles(fsys)
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := os.Open(fsys.Path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		info, err := f.Stat()
		if err == nil {
			fmt.Fprintf(w, "package file %q %d\n", name, info.Size())
			_, err = io.Copy(w, f)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// directories returns the directories for the data of c.
func directories(c Component) ([]program.Directory, error) {
	p, err := program.Find(c.Name())
	return p.Directories, err
}

// makeDirectories creates the directories for the data of c.
func makeDirectories(h Host, c Component) error {
	all, err := directories(c)
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := h.FS.MakeDir(host.Dir{Path: d.Path, Mode: os.FileMode(d.Mode), UID: d.Owner, GID: d.Owner}); err != nil {
			return err
		}
	}
	return nil
}
