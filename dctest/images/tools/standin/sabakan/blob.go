package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// blobs is a directory of uploaded files, named by their SHA-256.
type blobs struct {
	dir string
	// self is the URL at which other servers reach this one.
	self   string
	client *http.Client
}

// fetchTimeout is how long copying a file from another server may take before it fails.
// The next pull tries again.
const fetchTimeout = 10 * time.Minute

var hexDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (b blobs) path(digest string) string { return filepath.Join(b.dir, digest) }

func (b blobs) has(digest string) bool {
	_, err := os.Stat(b.path(digest))
	return err == nil
}

// write stores the content of r and returns its digest and size. It fails if want is not
// empty and differs from the digest.
func (b blobs) write(r io.Reader, want string) (string, int64, error) {
	f, err := os.CreateTemp(b.dir, ".upload-")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, h), r)
	if err != nil {
		return "", 0, err
	}
	digest := hex.EncodeToString(h.Sum(nil))
	if want != "" && want != digest {
		return "", 0, fail(http.StatusInternalServerError, "the SHA-256 is %s, not %s", digest, want)
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync()); err != nil {
		return "", 0, err
	}
	return digest, size, os.Rename(f.Name(), b.path(digest))
}

// open opens the file with the given digest, which must be on this server.
func (b blobs) open(digest string) (*os.File, error) {
	if !hexDigest.MatchString(digest) {
		return nil, fmt.Errorf("%q is not a digest", digest)
	}
	f, err := os.Open(b.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(http.StatusNotFound, "the file is not on this server")
	}
	return f, err
}

// fetch copies a file from one of the servers at urls, unless this server has it already.
func (b blobs) fetch(ctx context.Context, digest, path string, urls []string) error {
	if b.has(digest) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	err := fmt.Errorf("no server has %s", path)
	for _, u := range urls {
		if u == b.self {
			continue
		}
		if err = b.fetchFrom(ctx, digest, u+path); err == nil {
			return nil
		}
	}
	return err
}

func (b blobs) fetchFrom(ctx context.Context, digest, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", url, resp.Status)
	}
	_, _, err = b.write(resp.Body, digest)
	return err
}

// remove deletes a file on this server. Files on other servers remain.
func (b blobs) remove(digest string) {
	if hexDigest.MatchString(digest) {
		os.Remove(b.path(digest))
	}
}
