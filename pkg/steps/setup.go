package steps

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/worker"
)

// Component returns the component of the program called name, or nil if no step of an
// update manages that program.
func Component(name string) component.Component {
	for _, r := range rows() {
		if r.component != nil && r.component.Name() == name {
			return r.component
		}
	}
	return nil
}

// SetUp pulls the image of the program called name, if it has one, and writes its files on
// this host, outside of an update. It reports whether a file changed. It starts and
// restarts nothing.
func (h *Host) SetUp(ctx context.Context, name string, t worker.Target) (changed bool, err error) {
	err = h.with(ctx, name, t, func(ch component.Host, c component.Component, ct component.Target) error {
		if err := component.Pull(ctx, ch, c, ct); err != nil {
			return err
		}
		changed, err = component.Write(ctx, ch, c, ct)
		return err
	})
	return changed, err
}

// Started records that the program called name now runs with the files that [SetUp]
// wrote. The next update then restarts it only if its files or image change.
func (h *Host) Started(ctx context.Context, name string, t worker.Target) error {
	return h.with(ctx, name, t, component.Started)
}

func (h *Host) with(ctx context.Context, name string, t worker.Target, f func(component.Host, component.Component, component.Target) error) error {
	c := Component(name)
	if c == nil {
		return fmt.Errorf("no step of an update configures %s", name)
	}
	ch, ct, err := h.component(ctx, c, t)
	if err != nil {
		return err
	}
	return f(ch, c, ct)
}
