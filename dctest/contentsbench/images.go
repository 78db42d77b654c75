package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/registrytest"
	"github.com/cybozu-go/neco/pkg/host"
)

const (
	mib = 1 << 20
	// layersPerImage is the number of layers of each image. Layer n has n times the size of
	// the first one.
	layersPerImage = 4
	// spare is the free space in bytes that the measurement leaves for others.
	spare = 1 << 30
)

// imagesAt returns the images that nodes run, as if a registry at host had them.
func imagesAt(host string) []neco.ContainerImage {
	var images []neco.ContainerImage
	for _, name := range neco.SabakanImages {
		images = append(images, neco.ContainerImage{Name: name, Repository: host + "/bench/" + name, Tag: "1.0.0"})
	}
	return images
}

// cachedImages makes images with a total size of about size bytes in a directory below
// cache, unless they are there, and returns the directory and the size of their blobs. It
// removes images of other sizes. It fails if the disk has no space for the measurement.
func cachedImages(cache string, size int64) (dir string, total int64, err error) {
	var layers []int64
	for n := range int64(layersPerImage) {
		parts := int64(layersPerImage * (layersPerImage + 1) / 2)
		layers = append(layers, size/int64(len(neco.SabakanImages))*(n+1)/parts)
	}
	images := registrytest.Images{Names: imagesAt("localhost"), Layers: layers}
	key := sha256.Sum256(fmt.Appendf(nil, "1 %v", images)) // 1: the version of package registrytest's formats
	dir = filepath.Join(cache, fmt.Sprintf("images-%x", key[:8]))
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", 0, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "total"))
	if err == nil {
		total, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return "", 0, err
		}
		return dir, total, checkSpace(cache, 2*size)
	}
	old, err := filepath.Glob(filepath.Join(cache, "images-*"))
	if err != nil {
		return "", 0, err
	}
	for _, o := range old {
		if err := os.RemoveAll(o); err != nil {
			return "", 0, err
		}
	}
	if err := checkSpace(cache, 3*size); err != nil {
		return "", 0, err
	}
	if total, err = registrytest.Generate(dir, images); err != nil {
		return "", 0, err
	}
	return dir, total, os.WriteFile(filepath.Join(dir, "total"), []byte(strconv.FormatInt(total, 10)), 0o644)
}

// checkSpace returns an error unless the disk of dir has size bytes and spare ones.
func checkSpace(dir string, size int64) error {
	free, err := host.FS{Root: dir}.Free("/")
	if err != nil {
		return err
	}
	if need := uint64(size + spare); free < need {
		return fmt.Errorf("%s has %d MiB left, and the measurement needs %d MiB; free some space, or choose a smaller -size", dir, free/mib, need/mib)
	}
	return nil
}
