// Package blobcache keeps the layers of container images on disk while they go from a
// registry to another place, so that each byte crosses the link to the registry once,
// whatever is interrupted.
//
// It owns the files of the cache and the requests of registries' blobs. It must not know
// images, which package neco fetches through it.
package blobcache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Transport is an http.RoundTripper for the requests to registries. It downloads a blob to
// a file, verifies the digest in its URL, and answers with the contents of that file. An
// interrupted download is continued, also in the next process. A file of an earlier process
// is verified before its first use, because a power loss may have damaged it. All other
// requests go to Inner unchanged.
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
	busy map[string]*semaphore.Weighted
	// verified has the digests of the files that this process has downloaded or verified.
	verified map[string]bool
	// reserved is the number of bytes that the downloads in progress still need.
	reserved int64
	// followers receive blobs while they are downloaded; see [Transport.Copy].
	followers map[string]*follower
}

// New returns a Transport with the given fields.
func New(inner http.RoundTripper, dir string, max int64) *Transport {
	return &Transport{Inner: inner, Dir: dir, Max: max, busy: map[string]*semaphore.Weighted{}, verified: map[string]bool{}, followers: map[string]*follower{}}
}

// blobPath matches the path of a blob in a registry, and its digest.
var blobPath = regexp.MustCompile(`^/v2/.+/blobs/sha256:([0-9a-f]{64})$`)

// RoundTrip implements http.RoundTripper. It returns the response to a blob when the blob
// is complete and verified, or an error when the context of r ends.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	match := blobPath.FindStringSubmatch(r.URL.Path)
	if match == nil || r.Method != http.MethodGet {
		return t.Inner.RoundTrip(r)
	}
	digest := match[1]
	unlock, err := t.lock(r.Context(), digest)
	if err != nil {
		return nil, err
	}
	defer unlock()
	f, size, err := t.open(r.Context(), digest)
	if err == nil {
		report(r.Context(), size)
		return response(r, digest, f, size), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	refused, err := t.download(r, digest)
	if err != nil || refused != nil {
		return refused, err
	}
	if f, size, err = t.open(r.Context(), digest); err != nil {
		return nil, err
	}
	return response(r, digest, f, size), nil
}

// lock waits until the blob with this digest is not locked, and locks it. It returns the
// function that unlocks the blob, or an error when ctx ends.
func (t *Transport) lock(ctx context.Context, digest string) (unlock func(), err error) {
	t.mu.Lock()
	s := t.busy[digest]
	if s == nil {
		s = semaphore.NewWeighted(1)
		t.busy[digest] = s
	}
	t.mu.Unlock()
	if s.Acquire(ctx, 1) != nil {
		return nil, fmt.Errorf("wait for another use of the blob sha256:%s: %w", digest, context.Cause(ctx))
	}
	return func() { s.Release(1) }, nil
}

// verify removes the cached blob with this digest if it has other contents. It reads a file
// only once in the life of t.
func (t *Transport) verify(ctx context.Context, digest string) error {
	t.mu.Lock()
	verified := t.verified[digest]
	t.mu.Unlock()
	if verified {
		return nil
	}
	name := filepath.Join(t.Dir, digest)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := addTo(ctx, sum, f); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("verify %s: %w", name, err)
		}
		return errors.Join(err, os.Remove(name)) // the next attempt downloads it again
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return os.Remove(name)
	}
	t.setVerified(digest)
	return nil
}

// hashed is how many bytes are hashed between two checks of a context.
const hashed = 4 << 20

// addTo adds the rest of r to sum, and returns its size in bytes. It returns the cause of ctx
// when ctx ends.
func addTo(ctx context.Context, sum hash.Hash, r io.Reader) (size int64, err error) {
	for ctx.Err() == nil {
		n, err := io.CopyN(sum, r, hashed)
		size += n
		if err == io.EOF {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
	return size, context.Cause(ctx)
}

// setVerified records that the file with this digest has the right contents.
func (t *Transport) setVerified(digest string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.verified[digest] = true
}

// open opens the verified blob with this digest and returns it with its size. It returns an
// error that is fs.ErrNotExist if the blob is not cached. The caller holds the lock.
func (t *Transport) open(ctx context.Context, digest string) (*os.File, int64, error) {
	if err := t.verify(ctx, digest); err != nil {
		return nil, 0, err
	}
	name := filepath.Join(t.Dir, digest)
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = touch(name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// response returns the response to r with the blob f.
func response(r *http.Request, digest string, f *os.File, size int64) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/octet-stream"}, "Docker-Content-Digest": {"sha256:" + digest}},
		ContentLength: size, Body: f, Request: r,
	}
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
