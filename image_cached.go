package neco

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobCache is an http.RoundTripper that stores each blob that it has downloaded, and
// verifies its digest.
type blobCache interface {
	// Cached returns the stored blob with this SHA-256 in hexadecimal, or an error that is
	// fs.ErrNotExist.
	Cached(ctx context.Context, digest string) (io.ReadCloser, error)
}

// cachedImage is an image whose layers are read from a cache, which has verified them.
// Package remote would compute their digests again each time. While one layer is read, the
// next one is downloaded.
type cachedImage struct {
	v1.Image
	// cached returns a stored blob; see blobCache.
	cached func(digest string) (io.ReadCloser, error)
	// downloads are the downloads of layers in progress.
	downloads sync.WaitGroup
}

// Layers implements v1.Image.
func (i *cachedImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	cached := make([]v1.Layer, len(layers))
	var next func() error
	for n := len(layers) - 1; n >= 0; n-- {
		l := &cachedLayer{Layer: layers[n], image: i, next: next}
		l.download = sync.OnceValue(l.downloadOnce)
		cached[n], next = l, l.download
	}
	return cached, nil
}

// cachedLayer is a layer of a cachedImage.
type cachedLayer struct {
	v1.Layer
	image *cachedImage
	// download downloads this layer into the cache unless it is there, and next does so with
	// the layer that is read after this one; nil: this is the last layer.
	download, next func() error
}

// downloadOnce does what download does, each time that it is called.
func (l *cachedLayer) downloadOnce() error {
	response, err := l.Layer.Compressed()
	if err != nil {
		return err
	}
	return response.Close()
}

// Compressed implements v1.Layer. It downloads the layer first if the cache does not have
// it, and begins the download of the next layer.
func (l *cachedLayer) Compressed() (io.ReadCloser, error) {
	digest, err := l.Digest()
	if err != nil {
		return nil, err
	}
	if err := l.download(); err != nil {
		return nil, err
	}
	if l.next != nil {
		// The read of the next layer reports an error.
		l.image.downloads.Go(func() { _ = l.next() })
	}
	blob, err := l.image.cached(digest.Hex)
	if errors.Is(err, fs.ErrNotExist) { // the cache has removed it already, or it is not from the registry
		return l.Layer.Compressed()
	}
	return blob, err
}
