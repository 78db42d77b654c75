package neco

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// ImageFetcher fetches container images from registries without Docker, so that the
// Docker daemon needs neither proxy nor credentials.
type ImageFetcher struct {
	transport http.RoundTripper
	auth      authn.Authenticator
	digests   map[string]string
}

// NewImageFetcher returns a fetcher that reaches registries through transport, which
// must not be nil. If auth, the account for registries, is not nil, private images are
// fetched from their private repositories. The fetcher uses auth only for images that
// need it and sends it to no server but the registry. If auth is also an
// authn.Keychain, it selects the account by registry.
func NewImageFetcher(transport http.RoundTripper, auth authn.Authenticator) ImageFetcher {
	return ImageFetcher{transport: transport, auth: auth}
}

// GetTarball fetches img and writes it to w in the format of `docker load`. It blocks
// until it has written the last byte or ctx ends, and holds no layer in memory. After
// an error, w has received an incomplete tarball. The tarball has the tag of img, whether or
// not the fetcher has a digest of img.
func (f ImageFetcher) GetTarball(ctx context.Context, img ContainerImage, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ref, image, err := f.open(ctx, img)
	if err == nil {
		err = tarball.Write(ref, image, writerUntil(ctx, cancel, w))
	}
	if err != nil {
		return fmt.Errorf("fetch image %s: %w", img.FullName(f.auth != nil), err)
	}
	return nil
}

// writerFunc is an io.Writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// writerUntil returns a writer to w that fails with the cause of ctx once ctx has ended: a
// layer in a cache is read without a request that ctx could end. An error of w ends ctx by
// cancel, and with it the download of a layer into the cache.
func writerUntil(ctx context.Context, cancel context.CancelCauseFunc, w io.Writer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		n, err := w.Write(p)
		if err != nil {
			cancel(err)
		}
		return n, err
	})
}

// TarballSize returns the number of bytes that GetTarball writes for img. It fetches the
// manifest and the configuration of img, but no layer, and blocks until it has them or ctx
// ends.
func (f ImageFetcher) TarballSize(ctx context.Context, img ContainerImage) (int64, error) {
	var size int64
	ref, image, err := f.open(ctx, img)
	if err == nil {
		size, err = tarball.CalculateSize(map[name.Reference]v1.Image{ref: image})
	}
	if err != nil {
		return 0, fmt.Errorf("fetch image %s: %w", img.FullName(f.auth != nil), err)
	}
	return size, nil
}

// open returns img, which must be for the platform of this server. Its layers are fetched
// when they are read.
func (f ImageFetcher) open(ctx context.Context, img ContainerImage) (name.Reference, v1.Image, error) {
	ref, err := name.ParseReference(img.FullName(f.auth != nil))
	if err != nil {
		return nil, nil, err
	}
	opts, err := f.options(ctx, img, ref.Context().Registry)
	if err != nil {
		return nil, nil, err
	}
	image, err := f.image(ref, opts)
	if err != nil {
		return nil, nil, err
	}
	if c, ok := f.transport.(blobCache); ok {
		image = &cachedImage{Image: image, copy: func(digest string, w io.Writer, request func() error) (int64, error) {
			return c.Copy(ctx, digest, w, request)
		}}
	}
	return ref, image, checkPlatform(image)
}

func (f ImageFetcher) options(ctx context.Context, img ContainerImage, registry name.Registry) ([]remote.Option, error) {
	opts := []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(credentialGuard{f.transport, registry}),
		remote.WithUserAgent(NecoUserAgent),
		remote.WithPlatform(platform()),
	}
	if f.auth == nil || !img.NeedAuth() {
		return opts, nil
	}
	auth := f.auth
	if keychain, ok := f.auth.(authn.Keychain); ok {
		var err error
		if auth, err = keychain.Resolve(registry); err != nil {
			return nil, err
		}
	}
	return append(opts, remote.WithAuth(auth)), nil
}

// platform returns the operating system and architecture of this server.
func platform() v1.Platform { return v1.Platform{OS: "linux", Architecture: runtime.GOARCH} }

// checkPlatform returns an error if image is for another operating system or
// architecture than this server has. It is needed because a registry selects the
// platform only in an index and returns a single image for any platform. A field that
// the image leaves empty is not compared.
func checkPlatform(image v1.Image) error {
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	want := platform()
	if cmp.Or(config.OS, want.OS) != want.OS || cmp.Or(config.Architecture, want.Architecture) != want.Architecture {
		return fmt.Errorf("it is for %s/%s, and this server is %s", config.OS, config.Architecture, want)
	}
	return nil
}

// credentialGuard is an http.RoundTripper that sends a user's password only to one
// registry.
type credentialGuard struct {
	inner    http.RoundTripper
	registry name.Registry
}

// RoundTrip implements http.RoundTripper. It returns an error for a request that may
// contain a password, in basic authorization or in a POST, and that does not go to the
// registry. A registry could otherwise name any server as the one that exchanges the
// password for a token.
func (g credentialGuard) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _, basic := r.BasicAuth()
	home := r.URL.Host == g.registry.RegistryStr() && (r.URL.Scheme == "https" || g.registry.Scheme() == "http")
	if (basic || r.Method == http.MethodPost) && !home {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("the registry %s asks for the password at %s://%s; it is sent to the registry alone", g.registry, r.URL.Scheme, r.URL.Host)
	}
	return g.inner.RoundTrip(r)
}
