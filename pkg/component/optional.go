package component

import (
	"context"
	"os"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Prober is a component with a readiness check beyond its running container.
type Prober interface {
	// Probe returns nil when the program works on this host. It may do what the program
	// waits for, such as unsealing it. It is called again until it returns nil or ctx
	// ends.
	Probe(ctx context.Context, h Host, t Target) error
}

// Partial is a component that needs a restart only for some of its files' contents.
type Partial interface {
	// Effective returns the part of f's contents whose change requires a restart.
	Effective(f host.File) []byte
}

// effective returns the part of f's contents whose change requires a restart.
func effective(c Component, f host.File) []byte {
	if p, ok := c.(Partial); ok {
		return p.Effective(f)
	}
	return f.Data
}

// directories returns the directories of c's data.
func directories(c Component) ([]program.Directory, error) {
	p, err := program.Find(c.Name())
	return p.Directories, err
}

// makeDirectories creates the directories of c's data.
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
