package contents

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
	"golang.org/x/sync/semaphore"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/bytecount"
	"github.com/cybozu-go/neco/internal/remaining"
	"github.com/cybozu-go/neco/pkg/blobcache"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// parallel is how many images are processed at the same time, and downloads how many of
	// them are downloaded. The link to the internet so stays in use during uploads.
	parallel, downloads = 4, 2
)

// Assets uploads the container images for nodes and the files in neco.WorkerAssetsPath,
// except those that sabakan has.
func (u Uploader) Assets(ctx context.Context) error {
	images, err := u.nodeImages()
	if err != nil {
		return err
	}
	if err := u.uploadImages(ctx, images); err != nil {
		return err
	}
	return u.uploadFiles(ctx)
}

// CKEImages uploads the container images that the installed version of CKE runs on nodes,
// except those that sabakan has.
func (u Uploader) CKEImages(ctx context.Context) error {
	images, err := u.ckeImages(ctx)
	if err != nil {
		return err
	}
	return u.uploadImages(ctx, images)
}

// nodeImages returns the images of the artifact set that nodes run.
func (u Uploader) nodeImages() ([]neco.ContainerImage, error) {
	var images []neco.ContainerImage
	for _, name := range neco.SabakanImages {
		img, err := u.Artifacts.FindContainerImage(name)
		if err != nil {
			return nil, retry.Final(err)
		}
		images = append(images, img)
	}
	return images, nil
}

// ckeImages returns the images that the installed version of CKE runs on nodes.
func (u Uploader) ckeImages(ctx context.Context) ([]neco.ContainerImage, error) {
	names, err := cke.New(u.FS).Images(ctx)
	if err != nil {
		return nil, err
	}
	var images []neco.ContainerImage
	for _, name := range names {
		img, err := neco.ParseContainerImageName(name)
		if err != nil {
			return nil, retry.Final(fmt.Errorf("ckecli images: %w", err))
		}
		images = append(images, img)
	}
	return images, nil
}

// assetName returns the name of the sabakan asset that contains the image img.
func assetName(img neco.ContainerImage) string {
	return fmt.Sprintf("cybozu-%s-%s.img", img.Name, img.Tag)
}

func (u Uploader) uploadImages(ctx context.Context, images []neco.ContainerImage) error {
	var names []string
	for _, img := range images {
		names = append(names, img.Name)
	}
	left := remaining.New(func(names string) { u.report("fetching %s", names) }, names...)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	download := semaphore.NewWeighted(downloads)
	for _, img := range images {
		g.Go(func() error {
			defer left.Done(img.Name)
			return u.uploadImage(ctx, img, download)
		})
	}
	return g.Wait()
}

// uploadImage uploads img unless sabakan has an asset of the same name: the image of a
// tag never changes. It holds download while it downloads img.
func (u Uploader) uploadImage(ctx context.Context, img neco.ContainerImage, download *semaphore.Weighted) error {
	name := assetName(img)
	_, err := u.Sabakan.Asset(ctx, name)
	if err == nil {
		u.observe(Event{Name: name, State: Present})
	}
	if !errors.Is(err, sabakan.ErrNotFound) {
		return err
	}
	if download.Acquire(ctx, 1) != nil {
		return context.Cause(ctx)
	}
	content, err := u.imageContent(ctx, img)
	download.Release(1)
	if err != nil {
		return err
	}
	return u.putAsset(ctx, name, content)
}

// putAsset uploads content as the asset called name.
func (u Uploader) putAsset(ctx context.Context, name string, content sabakan.Content) error {
	if err := u.Sabakan.PutAsset(ctx, name, u.observed(name, content)); err != nil {
		return err
	}
	u.observe(Event{Name: name, State: Uploaded, Total: content.Size})
	return nil
}

// imageContent returns img in the format of docker load, with its size and digest. It
// downloads the layers of img; the content is read from the cache.
func (u Uploader) imageContent(ctx context.Context, img neco.ContainerImage) (sabakan.Content, error) {
	var total int64
	if u.Observe != nil {
		var err error
		if total, err = u.Images.TarballSize(ctx, img); err != nil {
			return sabakan.Content{}, err
		}
	}
	p := &progress{total: total, report: func(done, total int64) {
		u.observe(Event{Name: assetName(img), State: Downloading, Done: min(done, total), Total: total})
	}}
	p.add(0, 0)
	downloading := blobcache.WithProgress(ctx, func(n int64) { p.add(n, 0) })
	sum, size := sha256.New(), bytecount.Writer(0)
	if err := u.Images.Tarball(downloading, img, io.MultiWriter(sum, &size)); err != nil {
		return sabakan.Content{}, err
	}
	uploading := blobcache.WithLastRead(ctx)
	open := func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(u.Images.Tarball(uploading, img, w)) }() // ends when r is closed
		return r, nil
	}
	return sabakan.Content{Open: open, Size: int64(size), SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// uploadFiles uploads the regular files in neco.WorkerAssetsPath as assets of the same
// names. It replaces an asset if its content differs.
func (u Uploader) uploadFiles(ctx context.Context) error {
	dir := u.FS.Path(neco.WorkerAssetsPath)
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
		has, err := u.Sabakan.Asset(ctx, f.Name())
		if err == nil && has.SHA256 == content.SHA256 {
			u.observe(Event{Name: f.Name(), State: Present})
			continue
		}
		if err != nil && !errors.Is(err, sabakan.ErrNotFound) {
			return err
		}
		u.report("uploading %s to sabakan", f.Name())
		if err := u.putAsset(ctx, f.Name(), content); err != nil {
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
