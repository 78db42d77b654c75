package steps

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/remaining"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// pulls is how many images are pulled at the same time. More pulls would slow down the
// disk of a running etcd.
const pulls = 3

// pullImages is an action: it pulls all container images that a boot server needs.
func pullImages(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	containers, err := h.Containers(t.Config)
	if err != nil {
		return "", worker.Permanent(err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(pulls)
	missing := remaining.New(func(names string) { t.Report("fetching %s", names) }, neco.BootImages...)
	for _, name := range neco.BootImages {
		img, err := h.Artifacts.FindContainerImage(name)
		if err != nil {
			return "", worker.Permanent(err)
		}
		g.Go(func() error {
			defer missing.Done(img.Name)
			err := containers.Pull(ctx, img)
			if release.AtFault(err) {
				err = releaseFault(t, worker.Permanent(err))
			}
			return err
		})
	}
	return "", g.Wait()
}

// converge is an action: it writes the files of c, and restarts c unless it already
// runs with the image and the files that the update requires.
func converge(ctx context.Context, h *Host, c component.Component, t worker.Target) (string, error) {
	if note, err := write(ctx, h, c, t); err != nil {
		return note, err
	}
	return apply(ctx, h, c, t)
}

// write is an action: it writes the files of c and restarts nothing.
func write(ctx context.Context, h *Host, c component.Component, t worker.Target) (string, error) {
	ch, ct, err := h.component(ctx, c, t)
	if err != nil {
		return "", err
	}
	_, err = component.Write(ctx, ch, c, ct)
	return "", err
}

// apply is an action: it restarts c unless it already runs with the image and the files
// that the update requires, and records the image of c in etcd. A component that does
// not become ready is a fault of the release.
func apply(ctx context.Context, h *Host, c component.Component, t worker.Target) (string, error) {
	ch, ct, err := h.component(ctx, c, t)
	if err != nil {
		return "", err
	}
	if _, err := component.Apply(ctx, ch, c, ct); err != nil {
		if errors.Is(err, component.ErrNotReady) {
			err = releaseFault(t, err)
		}
		return "", err
	}
	return "", record(ctx, c, ct, t)
}

// record stores in etcd the image with which c runs on this boot server. It does
// nothing for a component without an image.
func record(ctx context.Context, c component.Component, ct component.Target, t worker.Target) error {
	i, ok := c.(component.Imaged)
	if !ok {
		return nil
	}
	img, err := ct.Artifacts.FindContainerImage(i.Image())
	if err != nil {
		return err
	}
	if err := t.Record(ctx, storage.ContainerKey(t.LRN, img.Name), img.Tag); err != nil {
		return fmt.Errorf("record %s: %w", img.Name, err)
	}
	return nil
}
