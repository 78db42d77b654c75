package steps

import (
	"context"
	"errors"

	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// upload returns an action that calls f with an uploader to the sabakan of this host.
func upload(f func(u contents.Uploader, ctx context.Context) error) do {
	return func(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
		return "", h.upload(ctx, t, f)
	}
}

// uploadIgnitions uploads the ignition templates of the nodes' roles to the sabakan of
// this host, except those that sabakan has.
func uploadIgnitions(ctx context.Context, h *Host, _ component.Component, t worker.Target) (note string, err error) {
	key, err := storage.New(h.Etcd).SSHKey(ctx)
	if err != nil {
		return "", err
	}
	err = h.upload(ctx, t, func(u contents.Uploader, ctx context.Context) (err error) {
		note, err = u.Ignitions(ctx, contents.Values{
			Version: t.Version, Servers: t.Members,
			SSHKey: key, Proxy: t.Config.NodeProxy, ExternalBlock: t.Config.ExternalBlock,
		})
		return err
	})
	return note, err
}

func (h *Host) upload(ctx context.Context, t worker.Target, f func(u contents.Uploader, ctx context.Context) error) error {
	containers, err := h.Containers(t.Config)
	if err != nil {
		return worker.Permanent(err)
	}
	transport, err := h.Transport(t.Config)
	if err != nil {
		return worker.Permanent(err)
	}
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	err = f(contents.Uploader{
		FS: h.FS, Artifacts: h.Artifacts, Digests: h.Digests, Sabakan: c, Images: containers, Transport: transport,
		Private: h.private(), Progress: t.Report, Observe: h.Observe,
	}, ctx)
	if release.AtFault(err) || packagefault.Is(err) {
		return releaseFault(t, worker.Permanent(err))
	}
	return final(err)
}

// final marks an error of sabakan or CKE as permanent unless a retry may succeed. It
// returns other errors, such as those of a download, unchanged: they are retried.
func final(err error) error {
	if own := (interface{ MayPass() bool })(nil); errors.As(err, &own) && !own.MayPass() {
		return worker.Permanent(err)
	}
	return err
}
