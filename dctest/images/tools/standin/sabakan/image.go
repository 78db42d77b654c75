package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

const (
	// imagesKept is how many images are kept at most.
	imagesKept = 5
	// removedKept is how many IDs of removed images are remembered, which new images
	// cannot have.
	removedKept = 10
)

var imageID = regexp.MustCompile(`^[0-9a-zA-Z.-]+$`)

// imageFiles returns the names of the two files in the archive of an image.
func imageFiles() []string { return []string{"kernel", "initrd.gz"} }

// image is a boot image. Size is the sum of the sizes of its two files. Digest, which is
// not part of sabakan's API, is the digest of its archive.
type image struct {
	ID     string    `json:"id"`
	Date   time.Time `json:"date"`
	Size   int64     `json:"size"`
	URLs   []string  `json:"urls"`
	Exists bool      `json:"exists"`
	Digest string    `json:"digest"`
}

// imageIndex is the list of images, which is stored as one value.
type imageIndex struct {
	Images  []image  // the oldest first
	Removed []string // IDs of the last removed images, which are refused
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

// remove removes the image at the position i from the index and returns it.
func (ix *imageIndex) remove(i int) image {
	old := ix.Images[i]
	ix.Images = slices.Delete(ix.Images, i, i+1)
	ix.Removed = append(ix.Removed, old.ID)
	ix.Removed = ix.Removed[max(0, len(ix.Removed)-removedKept):]
	return old
}

// add appends an image to the index. It returns the images that are removed thereby: one
// with the same ID, and the oldest ones beyond imagesKept.
func (ix *imageIndex) add(added image) []image {
	var old []image
	if i := ix.find(added.ID); i >= 0 {
		old = append(old, ix.Images[i])
		ix.Images = slices.Delete(ix.Images, i, i+1)
	}
	ix.Images = append(ix.Images, added)
	for len(ix.Images) > imagesKept {
		old = append(old, ix.remove(0))
	}
	return old
}

func (s *server) putImage(r *http.Request) (int, any, error) {
	id := r.PathValue("id")
	if !imageID.MatchString(id) {
		return 0, nil, fail(http.StatusBadRequest, "invalid image id %q", id)
	}
	ix, rev, err := s.imageIndex(r.Context())
	if err != nil {
		return 0, nil, err
	}
	if slices.Contains(ix.Removed, id) {
		return 0, nil, fail(http.StatusConflict, "image %s was removed", id)
	}
	digest, _, err := s.blobs.write(r.Body, "")
	if err != nil {
		return 0, nil, err
	}
	size, err := imageSize(s.blobs.path(digest))
	if err != nil {
		s.forget(ix, image{Digest: digest})
		return 0, nil, fail(http.StatusBadRequest, "image %s: %v", id, err)
	}
	old := ix.add(image{ID: id, Date: time.Now().UTC(), Size: size, URLs: []string{s.blobs.self}, Exists: true, Digest: digest})
	if err := s.saveIndex(r.Context(), ix, rev); err != nil {
		return 0, nil, err
	}
	s.forget(ix, old...)
	return http.StatusCreated, nil, nil
}

// forget deletes the archives of the images in old. It keeps an archive that is also that
// of an image in the index ix.
func (s *server) forget(ix imageIndex, old ...image) {
	for _, o := range old {
		if !slices.ContainsFunc(ix.Images, func(i image) bool { return i.Digest == o.Digest }) {
			s.blobs.remove(o.Digest)
		}
	}
}

// imageSize returns the sum of the sizes of the two files in an archive. It fails if one
// is missing or the archive has other files.
func imageSize(file string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sizes, total := map[string]int64{}, int64(0)
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		if !slices.Contains(imageFiles(), h.Name) {
			return 0, errors.New("unexpected file " + h.Name)
		}
		sizes[h.Name] = h.Size
	}
	for _, name := range imageFiles() {
		if sizes[name] == 0 {
			return 0, errors.New(name + " is missing or empty")
		}
		total += sizes[name]
	}
	return total, nil
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
	old := ix.remove(i)
	if err := s.saveIndex(r.Context(), ix, rev); err != nil {
		return 0, nil, err
	}
	s.forget(ix, old)
	return http.StatusOK, nil, nil
}

// serveImage sends the archive of an image as it was uploaded.
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
	img := ix.Images[i]
	f, err := s.blobs.open(img.Digest)
	if err != nil {
		writeError(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/tar")
	http.ServeContent(w, r, "", img.Date, f)
}
