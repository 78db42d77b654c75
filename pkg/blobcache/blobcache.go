// Package blobcache keeps the layers of container images on disk while they go from a
// registry to another place, so that each byte crosses the link to the registry once,
// whatever is interrupted.
//
// It owns the files of the cache and the requests of registries' blobs. It must not know
// images, which package neco fetches through it.
package blobcache

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// Transport is an http.RoundTripper for the requests to registries. It downloads a blob to
// a file, verifies the digest in its URL, and answers with the contents of that file. An
// interrupted download is continued, also in the next process. All other requests go to
// Inner unchanged.
//
// Several processes may use the same directory. A Transport is safe for concurrent use.
type Transport struct {
	Inner http.RoundTripper
	// Dir is the directory of the cache. It is created if it is missing.
	Dir string
	// Max is the size in bytes above which blobs are removed, the least recently used first.
	Max int64

	mu sync.Mutex
	// busy has a lock for each blob that is being downloaded or opened.
	busy map[string]*sync.Mutex
	// reserved is the number of bytes that the downloads in progress still need.
	reserved int64
}

// New returns a Transport with the given fields.
func New(inner http.RoundTripper, dir string, max int64) *Transport {
	return &Transport{Inner: inner, Dir: dir, Max: max, busy: map[string]*sync.Mutex{}}
}

// blobPath matches the path of a blob in a registry, and its digest.
var blobPath = regexp.MustCompile(`^/v2/.+/blobs/sha256:([0-9a-f]{64})$`)

// RoundTrip implements http.RoundTripper. It returns the response to a blob when the blob
// is complete and verified.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	match := blobPath.FindStringSubmatch(r.URL.Path)
	if match == nil || r.Method != http.MethodGet {
		return t.Inner.RoundTrip(r)
	}
	digest := match[1]
	defer t.lock(digest)()
	if res, err := t.open(r, digest); !errors.Is(err, fs.ErrNotExist) {
		return res, err
	}
	refused, err := t.download(r, digest)
	if err != nil || refused != nil {
		return refused, err
	}
	return t.open(r, digest)
}

// lock locks the blob with this digest, and returns the function that unlocks it.
func (t *Transport) lock(digest string) (unlock func()) {
	t.mu.Lock()
	m := t.busy[digest]
	if m == nil {
		m = &sync.Mutex{}
		t.busy[digest] = m
	}
	t.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// open returns the response to r with the cached blob, or an error that is fs.ErrNotExist
// if it is not cached.
func (t *Transport) open(r *http.Request, digest string) (*http.Response, error) {
	name := filepath.Join(t.Dir, digest)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = touch(name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/octet-stream"}, "Docker-Content-Digest": {"sha256:" + digest}},
		ContentLength: info.Size(), Body: f, Request: r,
	}, nil
}

// Size returns the size of the cached files in bytes, with those of interrupted downloads.
func (t *Transport) Size() (int64, error) {
	files, err := t.files()
	var size int64
	for _, f := range files {
		size += f.Size()
	}
	return size, err
}

// files returns the files of the cache.
func (t *Transport) files() ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // another download has just removed it
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, info)
	}
	return files, nil
}

// digestOf returns the digest of the blob to which a file of the cache belongs.
func digestOf(file string) string { return strings.TrimSuffix(file, partial) }

// mismatch is the error for a blob with other contents than its digest says.
type mismatch struct{ want, got string }

// Error implements error.
func (m mismatch) Error() string {
	return fmt.Sprintf("the registry has sent a blob with the digest sha256:%s for sha256:%s", m.got, m.want)
}
