package host

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/dockercmd"
)

// tmpDir is for large files on their way to somewhere else.
const tmpDir = "/var/lib/neco/tmp"

// Pull makes img available to Docker and blocks until it is, or ctx ends. An
// image that Docker has already is not fetched again. The image is fetched to
// a file first, so that Docker is given complete ones only; it is never held
// in memory.
func (c Containers) Pull(ctx context.Context, img neco.ContainerImage) error {
	if c.Present(ctx, img) {
		return nil
	}
	full := c.FullName(img)
	tarball, err := c.fetch(ctx, img)
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

// fetch puts the image into a file and returns its name. The name depends on
// the image alone: what a crash leaves behind is overwritten, not piled up.
func (c Containers) fetch(ctx context.Context, img neco.ContainerImage) (string, error) {
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
	fetcher, img := c.fetcher(img)
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

// fetcher returns a fetcher and what to ask it for, so that the image comes by
// the name that Docker is to know it by: the fetcher prefers private
// repositories whenever it has credentials, Docker does by the kind of data
// centre.
func (c Containers) fetcher(img neco.ContainerImage) (neco.ImageFetcher, neco.ContainerImage) {
	auth := c.Auth
	switch {
	case img.Private && !c.hasSecret():
		img.Private = false
	case img.Private && auth == nil:
		auth = authn.Anonymous
	}
	return neco.NewImageFetcher(c.Transport, auth), img
}
