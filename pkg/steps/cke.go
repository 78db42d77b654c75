package steps

import (
	"context"
	"errors"

	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// setTemplate uploads the package's cluster template, with the name of this cluster and
// the weights in etcd, to CKE, unless CKE has the same one.
func setTemplate(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	weights, err := storage.New(h.Etcd).CKEWeights(ctx)
	if bad := (storage.MalformedKey{}); errors.As(err, &bad) {
		return "", worker.Permanent(err)
	}
	if err != nil {
		return "", err
	}
	template, err := cke.Desired(h.FS, t.Config.Env, weights)
	if err != nil {
		return "", worker.Permanent(err)
	}
	_, err = cke.Update(ctx, cke.New(h.FS), template)
	return "", final(err)
}
