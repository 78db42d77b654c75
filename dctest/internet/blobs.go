package main

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blob is the content of a layer or of an image's configuration.
type blob struct {
	size int64
	open func() (io.ReadCloser, error)
}

// blobs holds the blobs of all images by digest. Their content is read from the images'
// archives on request. The map must not be changed while it is served.
type blobs map[v1.Hash]blob

var (
	_ registry.BlobHandler     = blobs(nil)
	_ registry.BlobStatHandler = blobs(nil)
)

// Get returns the content of a blob.
func (b blobs) Get(_ context.Context, _ string, h v1.Hash) (io.ReadCloser, error) {
	found, ok := b[h]
	if !ok {
		return nil, registry.ErrNotFound
	}
	return found.open()
}

// Stat returns the size of a blob.
func (b blobs) Stat(_ context.Context, _ string, h v1.Hash) (int64, error) {
	found, ok := b[h]
	if !ok {
		return 0, registry.ErrNotFound
	}
	return found.size, nil
}

// add adds the configuration and the layers of the image img.
func (b blobs) add(img v1.Image) error {
	conf, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	name, err := img.ConfigName()
	if err != nil {
		return err
	}
	b[name] = blob{int64(len(conf)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(conf)), nil }}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for i, layer := range layers {
		digest, err := layer.Digest()
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		size, err := layer.Size()
		if err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		b[digest] = blob{size, layer.Compressed}
	}
	return nil
}
