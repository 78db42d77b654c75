package steps

import (
	"context"

	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/storage"
)

// hasResources reports whether CKE has got resources before, by the digest in the record of
// the last run that has sent some, and still has an object of the same kind and name for each
// object.
//
// If CKE has got other resources, hasResources removes that digest, because the caller is
// about to send resources. Without this, an upload that fails in the middle, or one outside
// of an update, would be taken for the recorded one if the resources become the recorded ones
// again.
func (h *Host) hasResources(ctx context.Context, ckecli cke.Ckecli, resources []cke.Resource) (bool, error) {
	s := storage.New(h.Etcd)
	recorded, err := s.RecordDigest(ctx, UserResources)
	switch {
	case err != nil:
		return false, err
	case recorded != cke.ResourcesDigest(resources):
		return false, s.ForgetDigest(ctx, UserResources)
	case h.AllResources:
		return false, nil
	}
	has, err := ckecli.HasResources(ctx, resources)
	return has, final(err)
}
