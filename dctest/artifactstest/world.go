// Package artifactstest imitates, in one process and without a network, the servers from
// which artifacts come: container registries, GitHub, and the feed and the download host of
// the operating system. It is for tests only.
package artifactstest

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

// The hosts of the feed and of the files of the operating system.
const (
	FeedHost = "www.flatcar.org"
	feedPath = "/releases-json/releases-stable.json"
)

// User and Password are the account that may read private images.
const (
	User     = "robot"
	Password = "hunter2"
)

// World is an http.RoundTripper that answers all requests itself. It is safe for concurrent
// use.
type World struct {
	registry http.Handler

	mu       sync.Mutex
	releases map[string]*releaseserver.Server // by OWNER/NAME
	feed     map[string]any
	files    map[string]string
	replaced map[string]http.Handler
	requests []string
}

var _ http.RoundTripper = (*World)(nil)

// New returns a World that has exactly the artifacts in neco.CurrentArtifacts.
func New(t testing.TB) *World {
	t.Helper()
	return Of(t, neco.CurrentArtifacts)
}

// Of returns a World that has exactly the artifacts in set.
func Of(t testing.TB, set neco.ArtifactSet) *World {
	t.Helper()
	w := &World{
		registry: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		releases: map[string]*releaseserver.Server{}, feed: map[string]any{},
		files: map[string]string{}, replaced: map[string]http.Handler{},
	}
	for _, img := range set.Images {
		w.Push(t, img.FullName(false))
	}
	for _, d := range set.Debs {
		w.PublishDeb(t, d, false)
	}
	w.AddOS(set.OSImage.Version, map[string]any{"channel": set.OSImage.Channel, "architectures": []string{"amd64"}})
	w.feed["current"] = w.feed[set.OSImage.Version]
	kernel, initrd := set.OSImage.URLs()
	w.AddFile(kernel, "\x00kernel")
	w.AddFile(initrd, "\x00initrd")
	return w
}

// AddOS adds a release of the operating system to the feed of the stable channel.
func (w *World) AddOS(version string, fields map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feed[version] = fields
}

// AddFile serves content at the URL address.
func (w *World) AddFile(address, content string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files[address] = content
}

// Replace makes handler answer all requests to host from now on.
func (w *World) Replace(host string, handler http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replaced[host] = handler
}

// Requests returns the URLs of all requests so far that contain part.
func (w *World) Requests(part string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	for _, address := range w.requests {
		if strings.Contains(address, part) {
			found = append(found, address)
		}
	}
	return found
}

// RoundTrip implements http.RoundTripper. As a connection that is closed too early does, it
// ends a body that is shorter than its Content-Length with io.ErrUnexpectedEOF.
func (w *World) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.requests = append(w.requests, r.URL.String())
	handler := w.handler(r)
	w.mu.Unlock()
	return respond(handler, r), nil
}

func respond(handler http.Handler, r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.Host, in.RemoteAddr = r.URL.Host, "192.0.2.1:4711"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := httptest.NewRecorder()
	handler.ServeHTTP(out, in)
	received := int64(out.Body.Len())
	resp := out.Result()
	resp.Request = r
	if r.Method != http.MethodHead && resp.ContentLength > received {
		resp.Body = io.NopCloser(io.MultiReader(resp.Body, cut{}))
	}
	return resp
}

// cut is the end of a connection that was closed too early.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// handler returns the handler of the request. The caller must hold w.mu.
func (w *World) handler(r *http.Request) http.Handler {
	if handler, ok := w.replaced[r.URL.Host]; ok {
		return handler
	}
	if content, ok := w.files[r.URL.String()]; ok {
		return text("application/octet-stream", content)
	}
	switch r.URL.Host {
	case "quay.io", "ghcr.io":
		return http.HandlerFunc(w.serveImages)
	case "api.github.com", "github.com":
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/repos"), "/")
		if len(parts) > 2 && w.releases[parts[1]+"/"+parts[2]] != nil {
			return w.releases[parts[1]+"/"+parts[2]]
		}
	case FeedHost:
		if r.URL.Path == feedPath {
			data, err := json.Marshal(maps.Clone(w.feed))
			if err != nil {
				return text("text/plain", err.Error())
			}
			return text("application/json", string(data))
		}
	}
	return http.NotFoundHandler()
}

// text returns a handler that sends content.
func text(contentType, content string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, content)
	})
}

// serveImages serves the images to everybody, except private ones.
func (w *World) serveImages(out http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	known := user == User && password == Password
	if !known && (r.URL.Path == "/v2/" || strings.Contains(r.URL.Path, "-secret/")) {
		out.Header().Set("WWW-Authenticate", `Basic realm="world"`)
		out.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.registry.ServeHTTP(out, r)
}
