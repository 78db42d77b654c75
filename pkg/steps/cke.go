package steps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/component"
	ckepackage "github.com/cybozu-go/neco/pkg/component/cke"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// setTemplate gives CKE the package's cluster template, with the name of this cluster and
// the weights in etcd, unless CKE has the same one. In an update, all CKEs whose version changes
// are stopped at that time, and this host has not switched yet.
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
		return "", ofPackage(t, err)
	}
	program, err := ckepackage.Ckecli(h.FS)
	if err != nil {
		return "", worker.Permanent(err)
	}
	changed, err := cke.Update(ctx, cke.At(h.FS, program), template)
	if err != nil {
		return "", final(err)
	}
	e := contents.Event{Name: "cluster template", State: contents.Present}
	if changed {
		e.State, e.Total = contents.Uploaded, int64(len(template))
	}
	h.observe(e)
	return "", nil
}

// ofPackage marks err, an error of the template or the user resources, as permanent. It marks
// err as a fault of the release, too, if a file of the package is absent or malformed.
func ofPackage(t worker.Target, err error) error {
	err = worker.Permanent(err)
	if packagefault.Is(err) {
		return releaseFault(t, err)
	}
	return err
}

// lbBlock is a configuration key with a network from which load balancers in Kubernetes
// get their addresses, and its placeholder in user resources.
type lbBlock struct{ key, placeholder string }

var lbBlocks = [...]lbBlock{
	{"lb-address-block-default", cke.LBAddressDefault},
	{"lb-address-block-bastion", cke.LBAddressBastion},
	{"lb-address-block-internet", cke.LBAddressInternet},
}

// setUserResources stores the package's user resources in CKE, with the images of this
// release and of the installed CKE, and with the networks of load balancers in the
// configuration, unless CKE has got the same before and has all of them. The note names the
// networks that the resources need and that are not set.
func setUserResources(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	ckecli := cke.New(h.FS)
	images, err := ckecli.Images(ctx)
	if err != nil {
		return "", final(err)
	}
	values, err := cke.ImageValues(h.Artifacts, images)
	if err != nil {
		return "", worker.Permanent(err)
	}
	if err := h.addLBBlocks(ctx, values); err != nil {
		return "", err
	}
	resources, err := cke.DesiredResources(h.FS, t.Config.Env, values)
	if err != nil {
		return "", ofPackage(t, err)
	}
	present, err := h.hasResources(ctx, ckecli, resources)
	if err != nil {
		return "", err
	}
	var unset []string
	for _, r := range resources {
		e := contents.Event{Name: filepath.Base(r.File), State: contents.Present}
		if !present {
			if err := ckecli.SetResources(ctx, r.Data); err != nil {
				return "", final(fmt.Errorf("%s: %w", r.File, err))
			}
			e.State, e.Total = contents.Uploaded, int64(len(r.Data))
		}
		h.observe(e)
		for _, b := range lbBlocks {
			if slices.Contains(r.Unset, b.placeholder) {
				unset = append(unset, b.key)
			}
		}
	}
	if !present {
		if _, err := h.onlyRecorded(ctx, resources); err != nil {
			return "", err
		}
	}
	t.SetDigest(cke.ResourcesDigest(resources))
	if len(unset) > 0 {
		return "not set, hence without load balancers: " + strings.Join(unset, ", "), nil
	}
	return "", nil
}

// addLBBlocks adds the networks of load balancers to values. A network that is not set is
// empty. A malformed network is an error: without it, load balancers would lose their
// addresses.
func (h *Host) addLBBlocks(ctx context.Context, values map[string]string) error {
	for _, b := range lbBlocks {
		k, err := storage.FindConfigKey(b.key)
		if err != nil {
			return worker.Permanent(err)
		}
		v, err := storage.New(h.Etcd).GetConfig(ctx, k)
		if bad := (storage.MalformedKey{}); errors.As(err, &bad) {
			return worker.Permanent(err)
		}
		if err != nil && !errors.Is(err, storage.ErrNotSet) {
			return err
		}
		values[b.placeholder] = v
	}
	return nil
}
