package neco

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// digestAlgorithm begins the digest of an image.
const digestAlgorithm = "sha256"

// ErrImageDigest reports that a registry has another image under a tag than the one with the
// required digest.
var ErrImageDigest = errors.New("digest mismatch")

// WithDigests returns a fetcher that does the same as f, but fetches an image by its digest
// if digests contains one. The keys of digests are full names of images as f fetches them;
// the values are the SHA-256 digests, in lower-case hexadecimal, of the manifests or indexes.
//
// The fetcher verifies the digest. It returns an error that is ErrImageDigest if the registry
// states that the image has another digest; the error contains both.
func (f ImageFetcher) WithDigests(digests map[string]string) ImageFetcher {
	f.digests = maps.Clone(digests)
	return f
}

// Digest returns the SHA-256 digest, in lower-case hexadecimal, of the manifest or the index
// that the registry has under the tag of img. It computes the digest from what it receives.
// It blocks until it has received the manifest or ctx ends.
func (f ImageFetcher) Digest(ctx context.Context, img ContainerImage) (string, error) {
	digest, err := f.digestOf(ctx, img)
	if err != nil {
		return "", fmt.Errorf("get the digest of image %s: %w", img.FullName(f.auth != nil), err)
	}
	return digest, nil
}

func (f ImageFetcher) digestOf(ctx context.Context, img ContainerImage) (string, error) {
	ref, err := name.ParseReference(img.FullName(f.auth != nil))
	if err != nil {
		return "", err
	}
	opts, err := f.options(ctx, img, ref.Context().Registry)
	if err != nil {
		return "", err
	}
	manifest, err := remote.Get(ref, opts...)
	if err != nil {
		return "", err
	}
	if t := manifest.MediaType; !t.IsImage() && !t.IsIndex() {
		return "", fmt.Errorf("the server's answer is of the type %q, which is not that of an image", t)
	}
	return manifest.Digest.Hex, nil
}

// image returns the image ref, by its digest if f has one.
func (f ImageFetcher) image(ref name.Reference, opts []remote.Option) (v1.Image, error) {
	digest, ok := f.digests[ref.String()]
	if !ok {
		return remote.Image(ref, opts...)
	}
	want := v1.Hash{Algorithm: digestAlgorithm, Hex: digest}
	image, err := remote.Image(ref.Context().Digest(want.String()), opts...)
	if err == nil {
		return image, nil
	}
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		// A response to HEAD without the headers of a manifest, such as that of a login page,
		// is an error here.
		if has, headErr := remote.Head(ref, opts...); headErr == nil && has.Digest != want {
			return nil, fmt.Errorf("%w: the registry has %s under this tag, and this release requires %s", ErrImageDigest, has.Digest, want)
		}
	}
	return nil, err
}
