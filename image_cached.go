package neco

import (
	"context"
	"errors"
	"io"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobCache is an http.RoundTripper that stores each blob that it has downloaded, and
// verifies its digest.
type blobCache interface {
	// Cached returns the stored blob with this SHA-256 in hexadecimal, or an error that is
	// fs.ErrNotExist. It reports the size of the blob as progress of a download with ctx.
	Cached(ctx context.Context, digest string) (io.ReadCloser, error)
}

// withoutValues is a context that ends with another one and has none of its values.
type withoutValues struct{ context.Context }

// Value implements context.Context.
func (withoutValues) Value(any) any { return nil }

// cachedImage is an image whose layers are read from a cache, which has verified them.
// Package remote would compute their digests again each time.
type cachedImage struct {
	v1.Image
	// cached and downloaded return a stored blob; see blobCache. downloaded reports no
	// progress, because the download of the blob has.
	cached, downloaded func(digest string) (io.ReadCloser, error)
}

// Layers implements v1.Image.
func (i *cachedImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	var cached []v1.Layer
	for _, l := range layers {
		cached = append(cached, cachedLayer{l, i})
	}
	return cached, nil
}

// cachedLayer is a layer of a cachedImage.
type cachedLayer struct {
	v1.Layer
	image *cachedImage
}

// Compressed implements v1.Layer. It downloads the layer first if the cache does not have
// it.
func (l cachedLayer) Compressed() (io.ReadCloser, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, err
	}
	cached, err := l.image.cached(digest.Hex)
	if !errors.Is(err, fs.ErrNotExist) {
		return cached, err
	}
	response, err := l.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	if cached, err = l.image.downloaded(digest.Hex); err != nil {
		return response, nil // the cache has removed it already, or it is not from the registry
	}
	return cached, response.Close()
}
