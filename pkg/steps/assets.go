package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/worker"
)

// uploads is the number of images that are downloaded and uploaded at the same time.
// Each image needs its size on the disk.
const uploads = 2

// uploadAssets uploads the container images for nodes and the files in
// neco.WorkerAssetsPath to the sabakan of this host, except those that sabakan has.
func uploadAssets(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	var images []neco.ContainerImage
	for _, name := range neco.SabakanImages {
		img, err := h.Artifacts.FindContainerImage(name)
		if err != nil {
			return "", worker.Permanent(err)
		}
		images = append(images, img)
	}
	if err := h.uploadImages(ctx, c, t, images); err != nil {
		return "", final(err)
	}
	return "", final(h.uploadFiles(ctx, c))
}

// uploadCKEImages uploads the container images that the installed version of CKE runs on
// nodes to the sabakan of this host, except those that sabakan has.
func uploadCKEImages(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	names, err := cke.New(h.FS).Images(ctx)
	if err != nil {
		return "", final(err)
	}
	var images []neco.ContainerImage
	for _, name := range names {
		img, err := neco.ParseContainerImageName(name)
		if err != nil {
			return "", worker.Permanent(fmt.Errorf("ckecli images: %w", err))
		}
		images = append(images, img)
	}
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	return "", final(h.uploadImages(ctx, c, t, images))
}

// assetName returns the name of the sabakan asset that contains the image img.
func assetName(img neco.ContainerImage) string {
	return fmt.Sprintf("cybozu-%s-%s.img", img.Name, img.Tag)
}

func (h *Host) uploadImages(ctx context.Context, c *sabakan.Client, t worker.Target, images []neco.ContainerImage) error {
	containers, err := h.Containers(t.Config)
	if err != nil {
		return worker.Permanent(err)
	}
	var names []string
	for _, img := range images {
		names = append(names, img.Name)
	}
	missing := newPending(t, names)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for _, img := range images {
		g.Go(func() error {
			defer missing.done(img.Name)
			return uploadImage(ctx, c, containers, img)
		})
	}
	return g.Wait()
}

// uploadImage uploads img unless sabakan has an asset of the same name: the image of a
// tag never changes.
func uploadImage(ctx context.Context, c *sabakan.Client, containers component.Containers, img neco.ContainerImage) error {
	_, err := c.Asset(ctx, assetName(img))
	if !errors.Is(err, sabakan.ErrNotFound) {
		return err
	}
	file, err := containers.Save(ctx, img)
	if err != nil {
		return err
	}
	defer os.Remove(file) // the next Save of the image overwrites it
	content, err := contentOf(file)
	if err != nil {
		return err
	}
	return c.PutAsset(ctx, assetName(img), content)
}

// uploadFiles uploads the regular files in neco.WorkerAssetsPath as assets of the same
// names. It replaces an asset if its content differs.
func (h *Host) uploadFiles(ctx context.Context, c *sabakan.Client) error {
	dir := h.FS.Path(neco.WorkerAssetsPath)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue
		}
		content, err := contentOf(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		has, err := c.Asset(ctx, f.Name())
		if err == nil && has.SHA256 == content.SHA256 {
			continue
		}
		if err != nil && !errors.Is(err, sabakan.ErrNotFound) {
			return err
		}
		if err := c.PutAsset(ctx, f.Name(), content); err != nil {
			return err
		}
	}
	return nil
}

// contentOf returns the content of the file called name, with its size and digest.
func contentOf(name string) (sabakan.Content, error) {
	f, err := os.Open(name)
	if err != nil {
		return sabakan.Content{}, err
	}
	defer f.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return sabakan.Content{}, err
	}
	return sabakan.Content{
		Open: func() (io.ReadCloser, error) { return os.Open(name) },
		Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)),
	}, nil
}
