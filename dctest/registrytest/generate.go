package registrytest

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/bytecount"
)

// Images describes the images that [Generate] makes. The same value gives the same bytes.
type Images struct {
	// Names are the images. The registry serves them under the repositories without their
	// hosts.
	Names []neco.ContainerImage
	// Layers are the sizes in bytes of the layers of each image. They do not include the
	// formats around the random bytes.
	Layers []int64
	// Shared is how many layers, from the first, are the same in all images.
	Shared int
}

// Generate makes the images in dir and returns the sum of the sizes of their blobs, with
// each blob counted once.
func Generate(dir string, images Images) (int64, error) {
	for _, name := range []string{blobFile(dir, ""), filepath.Dir(manifestFile(dir, "", ""))} {
		if err := os.MkdirAll(name, 0o755); err != nil {
			return 0, err
		}
	}
	total := int64(0)
	var shared []made
	for i, img := range images.Names {
		var layers []made
		for l, size := range images.Layers {
			if l < len(shared) {
				layers = append(layers, shared[l])
				continue
			}
			layer, err := makeLayer(dir, fmt.Sprintf("layer %d of image %d", l, i), size)
			if err != nil {
				return 0, err
			}
			total += layer.descriptor.Size
			layers = append(layers, layer)
		}
		shared = layers[:images.Shared]
		size, err := makeImage(dir, img, layers)
		if err != nil {
			return 0, err
		}
		total += size
	}
	return total, nil
}

// made is a layer in the directory.
type made struct {
	descriptor v1.Descriptor
	diffID     v1.Hash
}

// makeLayer makes a layer: an archive with one file of size random bytes, which follow from
// seed, in the format of gzip.
func makeLayer(dir, seed string, size int64) (made, error) {
	f, err := os.CreateTemp(dir, "layer-")
	if err != nil {
		return made{}, err
	}
	defer f.Close()
	blob, diff, length := sha256.New(), sha256.New(), bytecount.Writer(0)
	zip, err := gzip.NewWriterLevel(io.MultiWriter(f, blob, &length), gzip.NoCompression)
	if err != nil {
		return made{}, err
	}
	archive := tar.NewWriter(io.MultiWriter(zip, diff))
	err = archive.WriteHeader(&tar.Header{Name: "random", Mode: 0o644, Size: size, Format: tar.FormatUSTAR})
	if err == nil {
		_, err = io.CopyN(archive, rand.NewChaCha8(sha256.Sum256([]byte(seed))), size)
	}
	if err := errors.Join(err, archive.Close(), zip.Close(), f.Close()); err != nil {
		return made{}, err
	}
	digest := hashOf(blob)
	return made{
		descriptor: v1.Descriptor{MediaType: types.DockerLayer, Size: int64(length), Digest: digest},
		diffID:     hashOf(diff),
	}, os.Rename(f.Name(), blobFile(dir, digest.Hex))
}

// makeImage makes the configuration and the manifest of an image, and returns the size of
// the configuration.
func makeImage(dir string, img neco.ContainerImage, layers []made) (int64, error) {
	config := v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"}}
	config.Config.Labels = map[string]string{"name": img.Name}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.DockerManifestSchema2}
	for _, l := range layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.diffID)
		manifest.Layers = append(manifest.Layers, l.descriptor)
	}
	data, err := json.Marshal(config)
	if err != nil {
		return 0, err
	}
	manifest.Config = v1.Descriptor{MediaType: types.DockerConfigJSON, Size: int64(len(data)), Digest: digestOf(data)}
	if err := os.WriteFile(blobFile(dir, manifest.Config.Digest.Hex), data, 0o644); err != nil {
		return 0, err
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		return 0, err
	}
	_, repository, found := strings.Cut(img.Repository, "/")
	if !found {
		return 0, fmt.Errorf("the repository %q has no host", img.Repository)
	}
	for _, reference := range []string{img.Tag, digestOf(text).String()} {
		if err := os.WriteFile(manifestFile(dir, repository, reference), text, 0o644); err != nil {
			return 0, err
		}
	}
	return manifest.Config.Size, nil
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

func digestOf(data []byte) v1.Hash {
	h := sha256.New()
	h.Write(data)
	return hashOf(h)
}
