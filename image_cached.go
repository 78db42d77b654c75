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
	// Copy calls request, which must request the blob with this SHA-256 in hexadecimal through
	// the RoundTripper, writes the blob to w and returns how many bytes w has received. The
	// error is fs.ErrNotExist if the blob is not stored after request.
	Copy(ctx context.Context, digest string, w io.Writer, request func() error) (int64, error)
}

// cachedImage is an image whose layers come through a cache, which verifies them. Package
// remote would compute their digests again each time. It is used by pointer: package tarball has
// images as the keys of a map.
type cachedImage struct {
	v1.Image
	// copy is blobCache.Copy with the context of the fetch.
	copy func(digest string, w io.Writer, request func() error) (int64, error)
}

// Layers implements v1.Image.
func (i *cachedImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	for n := range layers {
		layers[n] = cachedLayer{layers[n], i}
	}
	return layers, err
}

// cachedLayer is a layer of a cachedImage.
type cachedLayer struct {
	v1.Layer
	image *cachedImage
}

// Compressed implements v1.Layer. The result is an io.WriterTo that goes through the cache.
func (l cachedLayer) Compressed() (io.ReadCloser, error) { return &layerBlob{layer: l}, nil }

// layerBlob is the blob of a layer.
type layerBlob struct {
	layer cachedLayer
	// read is where Read reads; nil before the first call.
	read io.ReadCloser
}

// WriteTo implements io.WriterTo. It writes the whole blob.
func (b *layerBlob) WriteTo(w io.Writer) (int64, error) {
	digest, err := b.layer.Digest()
	if err != nil {
		return 0, err
	}
	n, err := b.layer.image.copy(digest.Hex, w, func() error {
		response, err := b.layer.Layer.Compressed()
		if err != nil {
			return err
		}
		return response.Close()
	})
	if !errors.Is(err, fs.ErrNotExist) {
		return n, err
	}
	// The cache has removed the blob already, or it is not from the registry.
	if _, err := io.CopyN(io.Discard, b, n); err != nil {
		return n, err
	}
	rest, err := io.Copy(w, struct{ io.Reader }{b})
	return n + rest, err
}

// Read implements io.Reader.
func (b *layerBlob) Read(p []byte) (int, error) {
	if b.read == nil {
		r, err := b.layer.Layer.Compressed()
		if err != nil {
			return 0, err
		}
		b.read = r
	}
	return b.read.Read(p)
}

// Close implements io.Closer.
func (b *layerBlob) Close() error {
	if b.read == nil {
		return nil
	}
	return b.read.Close()
}
