package component

import (
	"context"

	"github.com/cybozu-go/neco/pkg/host"
)

// Housed is a component that keeps something in directories of its own.
type Housed interface {
	Directories() []host.Dir
}

// Prober is a component that can tell more of itself than that its container
// runs.
type Prober interface {
	// Probe returns nil when the program does its work here.  It may do what
	// lets the program go on, such as unsealing it.  It is asked again until it
	// is nil or ctx ends.
	Probe(ctx context.Context, h Host, t Target) error
}

// Partial is a component that takes over only a part of a file when it is
// restarted.
type Partial interface {
	// Effective is the part of a file's contents that needs a restart when it
	// changes.
	Effective(f host.File) []byte
}

// effective is the part of f that needs a restart when it changes.
func effective(c Component, f host.File) []byte {
	if p, ok := c.(Partial); ok {
		return p.Effective(f)
	}
	return f.Data
}

// makeDirectories makes the directories of c.
func makeDirectories(h Host, c Component) error {
	d, ok := c.(Housed)
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
