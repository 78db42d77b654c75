package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// imagesKept is the maximum number of images.
const imagesKept = 5

// image is a boot image. Digest, the digest of its archive, is not in sabakan's API.
type image struct {
	ID     string           `json:"id"`
	Date   time.Time        `json:"date"`
	Size   map[string]int64 `json:"size"`
	URLs   []string         `json:"urls"`
	Exists bool             `json:"exists"`
	Digest string           `json:"digest"`
}

// imageIndex is the list of images, which is stored as one value.
type imageIndex struct {
	Images  []image
	Removed []string // ids that must not be reused
}

func (s *server) imageIndex(ctx context.Context) (imageIndex, int64, error) {
	var ix imageIndex
	p, err := s.store.Get(ctx, "images/coreos")
	if errors.Is(err, store.ErrNotFound) {
		return ix, 0, nil
	}
	if err == nil {
		err = json.Unmarshal(p.Value, &ix)
	}
	for i := range ix.Images {
		ix.Images[i].Exists = s.blobs.has(ix.Images[i].Digest)
	}
	return ix, p.Rev, err
}

func (s *server) saveIndex(ctx context.Context, ix imageIndex, rev int64) error {
	value, err := json.Marshal(ix)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, "images/coreos", rev, value)
}

func (s *server) getImages(r *http.Request) (int, any, error) {
	ix, _, err := s.imageIndex(r.Context())
	if err != nil {
		return 0, nil, err
	}
	if ix.Images == nil {
		ix.Images = []image{}
	}
	return ok(ix.Images)
}

func (ix imageIndex) find(id string) int {
	return slices.IndexFunc(ix.Images, func(i image) bool { return i.ID == id })
}

func (s *server) putImage(r *http.Request) (int, any, error) {
	id := r.PathValue("id")
	ix, rev, err := s.imageIndex(r.Context())
	if err != nil {
		return 0, nil, err
	}
	if ix.find(id) >= 0 || slices.Contains(ix.Removed, id) {
		return 0, nil, fail(http.StatusConflict, "image %s exists or has existed", id)
	}
	digest, _, err := s.blobs.write(r.Body, "")
	if err != nil {
		return 0, nil, err
	}
	sizes, err := imageSizes(s.blobs.path(digest))
	if err != nil {
		s.blobs.remove(digest)
		return 0, nil, fail(http.StatusBadRequest, "image %s: %v", id, err)
	}
	ix.Images = append(ix.Images, image{ID: id, Date: time.Now().UTC(), Size: sizes, URLs: []string{s.blobs.self}, Exists: true, Digest: digest})
	var old []image
	for len(ix.Images) > imagesKept {
		old = append(old, ix.Images[0])
		ix.Removed, ix.Images = append(ix.Removed, ix.Images[0].ID), ix.Images[1:]
	}
	if err := s.saveIndex(r.Context(), ix, rev); err != nil {
		return 0, nil, err
	}
	s.forget(ix, old...)
	return http.StatusCreated, nil, nil
}

// forget deletes the files of removed images, except those that are identical to the file
// of an image in the index.
func (s *server) forget(ix imageIndex, old ...image) {
	for _, o := range old {
		if !slices.ContainsFunc(ix.Images, func(i image) bool { return i.Digest == o.Digest }) {
			s.blobs.remove(o.Digest)
		}
	}
}

// imageSizes returns the sizes of kernel and initrd.gz in the archive of an image, which
// must have exactly these two files.
func imageSizes(file string) (map[string]int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sizes := map[string]int64{}
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if h.Name != "kernel" && h.Name != "initrd.gz" {
			return nil, errors.New("unexpected file " + h.Name)
		}
		sizes[h.Name] = h.Size
	}
	if sizes["kernel"] == 0 || sizes["initrd.gz"] == 0 {
		return nil, errors.New("kernel or initrd.gz is missing or empty")
	}
	return sizes, nil
}

func (s *server) deleteImage(r *http.Request) (int, any, error) {
	id := r.PathValue("id")
	ix, rev, err := s.imageIndex(r.Context())
	if err != nil {
		return 0, nil, err
	}
	i := ix.find(id)
	if i < 0 {
		return 0, nil, fail(http.StatusNotFound, "no image %s", id)
	}
	old := ix.Images[i]
	ix.Images, ix.Removed = slices.Delete(ix.Images, i, i+1), append(ix.Removed, id)
	if err := s.saveIndex(r.Context(), ix, rev); err != nil {
		return 0, nil, err
	}
	s.forget(ix, old)
	return http.StatusOK, nil, nil
}

// serveImage sends the archive of an image.
func (s *server) serveImage(w http.ResponseWriter, r *http.Request) {
	ix, _, err := s.imageIndex(r.Context())
	i := ix.find(r.PathValue("id"))
	if err == nil && i < 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		writeError(w, err)
		return
	}
	s.serve(w, r, ix.Images[i].Digest, ix.Images[i].URLs, "application/tar", ix.Images[i].Date)
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, digest string, urls []string, kind string, date time.Time) {
	f, err := s.blobs.open(r.Context(), digest, r.URL.Path, urls)
	if err != nil {
		writeError(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", kind)
	http.ServeContent(w, r, "", date, f)
}
