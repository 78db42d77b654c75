package main

import (
	"archive/tar"
	"bytes"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cybozu-go/neco/dctest/nexttag"
)

// withSuccessors returns the image img called full, its next version and its next major
// version, by their full names.
func withSuccessors(full string, img v1.Image) (map[string]v1.Image, error) {
	ref, err := name.NewTag(full, name.StrictValidation)
	if err != nil {
		return nil, err
	}
	all := map[string]v1.Image{}
	for _, tag := range []string{nexttag.Of(ref.TagStr()), nexttag.Major(ref.TagStr())} {
		name := ref.Context().Tag(tag).Name()
		if all[name], err = successor(name, img); err != nil {
			return nil, err
		}
	}
	all[full] = img
	return all, nil
}

// successor returns an image with the programs of img and, in one more layer, a file with the
// name next, so that its digest is another one.
func successor(next string, img v1.Image) (v1.Image, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	err := w.WriteHeader(&tar.Header{Name: "etc/image", Mode: 0o644, Size: int64(len(next)), Format: tar.FormatPAX})
	if err == nil {
		_, err = io.WriteString(w, next)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(img, l)
}
