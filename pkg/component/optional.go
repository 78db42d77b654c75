package component

import (
	"context"
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
