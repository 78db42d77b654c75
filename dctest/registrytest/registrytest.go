// Package registrytest makes container images of random bytes and serves them from files,
// as a registry that supports ranges does. It counts the bytes of blobs that it sends. It
// is for tests and benchmarks only.
package registrytest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/cybozu-go/neco/internal/bytecount"
)

// Registry is an http.Handler that serves the images in Dir, which [Generate] has made. It
// does not look at the host of a request. It holds no image in memory.
type Registry struct {
	Dir string

	sent atomic.Int64
}

// Sent returns the number of bytes of blobs that the registry has sent: of layers and
// configurations, without manifests and headers.
func (r *Registry) Sent() int64 { return r.sent.Load() }

// SentPath is the path at which a Registry reports the result of Sent as JSON.
const SentPath = "/sent"

var (
	manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^/]+)$`)
	blobPath     = regexp.MustCompile(`^/v2/.+/blobs/sha256:([0-9a-f]{64})$`)
)

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/v2/" {
		return // 200: no credentials are needed
	}
	if req.URL.Path == SentPath {
		_ = json.NewEncoder(w).Encode(r.Sent())
		return
	}
	if m := manifestPath.FindStringSubmatch(req.URL.Path); m != nil {
		w.Header().Set("Content-Type", string(types.DockerManifestSchema2))
		name := manifestFile(r.Dir, m[1], m[2])
		if data, err := os.ReadFile(name); err == nil {
			w.Header().Set("Docker-Content-Digest", digestOf(data).String())
		}
		serveFile(w, req, name)
		return
	}
	m := blobPath.FindStringSubmatch(req.URL.Path)
	if m == nil {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	serveFile(bytecount.Response{ResponseWriter: w, Count: func(n int64) { r.sent.Add(n) }}, req, blobFile(r.Dir, m[1]))
}

// serveFile sends the file called name, or 404 if there is none.
func serveFile(w http.ResponseWriter, req *http.Request, name string) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, req)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	http.ServeContent(w, req, "", time.Time{}, f)
}

// blobFile returns the path of a blob with this digest in hexadecimal.
func blobFile(dir, digest string) string { return filepath.Join(dir, "blobs", digest) }

// manifestFile returns the path of the manifest of an image. reference is a tag, or a
// digest such as sha256:….
func manifestFile(dir, repository, reference string) string {
	return filepath.Join(dir, "manifests", strings.ReplaceAll(repository, "/", "_")+"@"+strings.ReplaceAll(reference, ":", "_"))
}
