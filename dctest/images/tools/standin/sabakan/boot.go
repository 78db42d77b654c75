package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// serveIPXE sends the file that UEFI firmware boots.
func (s *server) serveIPXE(w http.ResponseWriter, r *http.Request) {
	f, err := os.Open(s.ipxe)
	if err != nil {
		writeError(w, fail(http.StatusNotFound, "%v", err))
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "application/efi")
	http.ServeContent(w, r, "", time.Time{}, f)
}

// bootScript returns the first script that iPXE runs on any machine. It makes iPXE
// request the script for its own machine, see [server.machineScript].
func (s *server) bootScript(*http.Request) (int, any, error) {
	return ok(fmt.Sprintf("#!ipxe\n\nchain %s/api/v1/boot/coreos/ipxe/${serial}\n", s.blobs.self))
}

// machineScript returns the script that boots a machine with the newest template of its
// role.
func (s *server) machineScript(r *http.Request) (int, any, error) {
	m, _, err := s.machine(r.Context(), r.PathValue("serial"))
	if err != nil {
		return 0, nil, err
	}
	ids, err := s.ignitionIDs(r.Context(), m.Spec.Role)
	if err != nil {
		return 0, nil, err
	}
	if len(ids) == 0 {
		return 0, nil, fail(http.StatusNotFound, "no ignitions of role %s", m.Spec.Role)
	}
	params, err := s.store.Get(r.Context(), kernelParamsKey)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, nil, err
	}
	base := s.blobs.self + "/api/v1/boot/"
	return ok(fmt.Sprintf("#!ipxe\n\nkernel %scoreos/kernel initrd=initrd.gz coreos.first_boot=1 coreos.config.url=%signitions/%s/%s %s\n"+
		"initrd %scoreos/initrd.gz\nboot\n", base, base, m.Spec.Serial, ids[len(ids)-1], params.Value, base))
}

// serveBootFile returns a handler that sends one file of the newest image on this server.
func (s *server) serveBootFile(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, img, err := s.openBootImage(r.Context())
		if err != nil {
			writeError(w, err)
			return
		}
		defer f.Close()
		content, err := fileOf(f, name)
		if err != nil {
			writeError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", img.Date, content)
	}
}

func (s *server) openBootImage(ctx context.Context) (*os.File, image, error) {
	ix, _, err := s.imageIndex(ctx)
	if err != nil {
		return nil, image{}, err
	}
	for _, img := range slices.Backward(ix.Images) {
		if img.Exists {
			f, err := s.blobs.open(img.Digest)
			return f, img, err
		}
	}
	return nil, image{}, fail(http.StatusNotFound, "this server has no image")
}

// fileOf returns the file called name in an archive.
func fileOf(archive *os.File, name string) (io.ReadSeeker, error) {
	for t := tar.NewReader(archive); ; {
		h, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("find %s in the image: %w", name, err)
		}
		if h.Name != name {
			continue
		}
		start, err := archive.Seek(0, io.SeekCurrent) // the reader does not read ahead
		return io.NewSectionReader(archive, start, h.Size), err
	}
}
