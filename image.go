package neco

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ImageFetcher gets container images from registries without Docker, so that
// proxy and credentials never concern the Docker daemon.
type ImageFetcher struct {
	transport http.RoundTripper
	auth      authn.Authenticator
}

// NewImageFetcher returns a fetcher that talks to registries through
// transport, which must not be nil. With auth, private images are taken from
// their private repositories. auth may be nil; it is shown to a registry only
// for images that need it.
func NewImageFetcher(transport http.RoundTripper, auth authn.Authenticator) ImageFetcher {
	return ImageFetcher{transport: transport, auth: auth}
}

// GetTarball fetches img and writes it to w in the format of `docker load`.
// It blocks until the last byte is written or ctx ends, and holds no layer in
// memory. After an error w has an incomplete tarball.
func (f ImageFetcher) GetTarball(ctx context.Context, img ContainerImage, w io.Writer) error {
	full := img.FullName(f.auth != nil)
	ref, err := name.ParseReference(full)
	if err != nil {
		return fmt.Errorf("fetch image %s: %w", full, err)
	}
	image, err := remote.Image(ref, f.options(ctx, img)...)
	if err != nil {
		return fmt.Errorf("fetch image %s: %w", full, err)
	}
	if err := tarball.Write(ref, image, w); err != nil {
		return fmt.Errorf("fetch image %s: %w", full, err)
	}
	return nil
}

func (f ImageFetcher) options(ctx context.Context, img ContainerImage) []remote.Option {
	opts := []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(f.transport),
		remote.WithUserAgent(NecoUserAgent),
	}
	if f.auth != nil && img.NeedAuth() {
		opts = append(opts, remote.WithAuth(f.auth))
	}
	return opts
}
