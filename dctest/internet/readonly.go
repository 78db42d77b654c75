package main

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// readOnly is the handler of a registry, which refuses pushes.
type readOnly struct {
	registry http.Handler
	blobs    blobs
}

// ServeHTTP passes a request on to the registry unless it would change an image.
func (h readOnly) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusMethodNotAllowed)
		fmt.Fprintln(w, `{"errors":[{"code":"UNSUPPORTED","message":"this registry is read-only"}]}`)
		return
	}
	h.registry.ServeHTTP(w, h.bounded(r))
}

// bounded returns the request r. If Docker resumes the download of a blob by a range
// without an end, which the registry does not support, bounded sets that end to the last
// byte of the blob.
func (h readOnly) bounded(r *http.Request) *http.Request {
	from, open := strings.CutSuffix(r.Header.Get("Range"), "-")
	digest, err := v1.NewHash(path.Base(r.URL.Path))
	if !open || err != nil {
		return r
	}
	start, err := strconv.ParseInt(strings.TrimPrefix(from, "bytes="), 10, 64)
	if b, found := h.blobs[digest]; err == nil && found && start < b.size {
		r = r.Clone(r.Context())
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, b.size-1))
	}
	return r
}
