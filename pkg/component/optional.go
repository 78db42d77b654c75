package component

import (
	"context"

	"github.com/cybozu-go/neco/pkg/host"
)

// Stateful is a component with directories for its data.
type Stateful interface {
	Directories() []host.Dir
}

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

// makeDirectories creates the directories of c.
func makeDirectories(h Host, c Component) error {
	d, ok := c.(Stateful)
	if !ok {
		return nil
	}
	for _, dir := range d.Directories() {
		if err := h.FS.MakeDir(dir); err != nil {
			return err
		}
	}
	return nil
}
