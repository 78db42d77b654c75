package steps

import (
	"context"

	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/storage"
)

// hasResources reports whether CKE has got resources before, by the digest in the record of
// the last run that has sent some, and still has an object of the same kind and name for each
// object.
func (h *Host) hasResources(ctx context.Context, ckecli cke.Ckecli, resources []cke.Resource) (bool, error) {
	recorded, err := h.onlyRecorded(ctx, resources)
	if err != nil || !recorded || h.AllResources {
		return false, err
	}
	has, err := ckecli.HasResources(ctx, resources)
	return has, final(err)
}

// onlyRecorded reports whether the record of the last run that has sent some has the digest of
// resources, and removes another digest from it. The caller calls it before and after it sends
// resources: an upload that fails in the middle, one outside of an update, or one at the same
// time would otherwise be taken for the recorded one if the resources become the recorded ones
// again.
func (h *Host) onlyRecorded(ctx context.Context, resources []cke.Resource) (bool, error) {
	s := storage.New(h.Etcd)
	recorded, err := s.RecordDigest(ctx, UserResources)
	if err != nil || recorded == cke.ResourcesDigest(resources) {
		return err == nil, err
	}
	return false, s.ForgetDigest(ctx, UserResources)
}
