package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/cybozu-go/neco/internal/dockercmd"
)

// tmpDir is the directory for large temporary files.
const tmpDir = "/var/lib/neco/tmp"

// Pull loads the image img into Docker, and blocks until Docker has it or ctx ends. It
// does nothing if Docker already has img. It downloads the image to a file first, so
// that Docker loads only complete images and no image is held in memory.
func (c Containers) Pull(ctx context.Context, img neco.ContainerImage) error {
	full := c.FullName(img)
	switch err := c.has(ctx, img); {
	case err == nil:
		return nil
	case !errors.Is(err, dockerapi.ErrNoImage):
		return fmt.Errorf("pull image %s: %w", full, err)
	}
	tarball, err := c.save(ctx, img)
	if err != nil {
		return fmt.Errorf("pull image %s: %w", full, err)
	}
	defer os.Remove(tarball)
	if _, err := dockercmd.Run(ctx, "load", "-i", tarball); err != nil {
		return fmt.Errorf("pull image %s: %w", full, err)
	}
	if !c.Present(ctx, img) {
		return fmt.Errorf("pull image %s: docker does not have it after loading it", full)
	}
	return nil
}

// save downloads img to a file in the format of docker load and returns its path. The path
// depends only on the image, so that the next attempt overwrites the file of a crashed one.
func (c Containers) save(ctx context.Context, img neco.ContainerImage) (string, error) {
	if err := makeDir(c.FS.Path(tmpDir)); err != nil {
		return "", err
	}
	base := strings.NewReplacer("/", "_", ":", "_").Replace(c.FullName(img))
	name := c.FS.Path(tmpDir + "/" + base + ".tar")
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	fetcher, img := c.fetcher(img, c.Transport)
	if err := fetcher.GetTarball(ctx, img, file); err != nil {
		os.Remove(name)
		return "", err
	}
	if err := file.Close(); err != nil {
		os.Remove(name)
		return "", err
	}
	return name, nil
}

// Tarball downloads img and writes it to w in the format of docker load. It writes the same
// bytes each time. The requests go through c.Cache, so that only the first call for an image
// downloads its layers.
func (c Containers) Tarball(ctx context.Context, img neco.ContainerImage, w io.Writer) error {
	fetcher, img := c.cachedFetcher(img)
	return fetcher.GetTarball(ctx, img, w)
}

// TarballSize returns the number of bytes that Tarball writes for img. It downloads no
// layer.
func (c Containers) TarballSize(ctx context.Context, img neco.ContainerImage) (int64, error) {
	fetcher, img := c.cachedFetcher(img)
	return fetcher.TarballSize(ctx, img)
}

// cachedFetcher does the same as fetcher, with a transport that goes through c.Cache if
// there is one.
func (c Containers) cachedFetcher(img neco.ContainerImage) (neco.ImageFetcher, neco.ContainerImage) {
	transport := c.Transport
	if c.Cache != nil {
		transport = c.Cache
	}
	return c.fetcher(img, transport)
}

// fetcher returns a fetcher for img that uses transport and c.Digests, and img as it must be
// passed to that fetcher, so that the image comes from the repository in
// [Containers.FullName]. A fetcher uses the private repository of an image only if it has
// credentials, but FullName uses it wherever the host is not in a test data centre.
func (c Containers) fetcher(img neco.ContainerImage, transport http.RoundTripper) (neco.ImageFetcher, neco.ContainerImage) {
	auth := c.Auth
	switch {
	case img.Private && !c.hasSecret():
		img.Private = false
	case img.Private && auth == nil:
		auth = authn.Anonymous
	}
	return neco.NewImageFetcher(transport, auth).WithDigests(c.Digests), img
}
