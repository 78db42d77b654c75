package blobcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco"
)

const (
	// partial is the suffix of the file of an interrupted download.
	partial = ".partial"
	// attempts is how often a download is begun or continued in one request.
	attempts = 5
	// stall is how long a download may make no progress before it is continued on a new
	// connection.
	stall = 30 * time.Second
	// pause is the time before the second attempt; it doubles with each one.
	pause = 200 * time.Millisecond
)

// errStalled reports that a registry sends nothing.
var errStalled = fmt.Errorf("the registry sends nothing for %s", stall)

// download stores the blob for which r asks in the cache. If the registry refuses it,
// download returns that response.
func (t *Transport) download(r *http.Request, digest string) (refused *http.Response, err error) {
	if err := os.MkdirAll(t.Dir, 0o700); err != nil {
		return nil, err
	}
	f, err := openPartial(r.Context(), filepath.Join(t.Dir, digest+partial))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := os.Stat(filepath.Join(t.Dir, digest)); err == nil { // by another process
		report(r.Context(), info.Size())
		return nil, os.Remove(f.name)
	}
	f.follower = t.follower(digest)
	verified := false
	defer func() { f.follower.end(f.size, verified) }()
	report(r.Context(), f.size)
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = pause
	var last error
	refused, err = backoff.Retry(r.Context(), func() (*http.Response, error) {
		res, err := t.attempt(r, f)
		last = err
		return res, err
	}, backoff.WithBackOff(b), backoff.WithMaxTries(attempts), backoff.WithMaxElapsedTime(0))
	if err != nil {
		if ctx := r.Context(); ctx.Err() != nil {
			return nil, errors.Join(context.Cause(ctx), last)
		}
		// Package remote would repeat all attempts after a wrapped error of the network.
		return nil, fmt.Errorf("download the blob sha256:%s: %v", digest, err)
	}
	if refused != nil {
		return refused, nil
	}
	if err := f.commit(filepath.Join(t.Dir, digest), digest); err != nil {
		return nil, err
	}
	t.setVerified(digest)
	verified = true
	return nil, nil
}

// attempt continues the download of f with one request. It returns the response of a
// registry that refuses the blob.
func (t *Transport) attempt(r *http.Request, f *partialFile) (refused *http.Response, err error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	req := r.Clone(ctx)
	if f.size > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", f.size))
	}
	res, err := t.client().Do(req)
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode == http.StatusOK:
		report(ctx, -f.size)
		err = f.restart()
	case res.StatusCode == http.StatusPartialContent && f.size > 0:
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && f.size > 0:
		res.Body.Close()
		// The file may be complete: a crash came before its digest was compared.
		return nil, nil
	case res.StatusCode >= http.StatusInternalServerError:
		res.Body.Close()
		return nil, fmt.Errorf("GET %s: status %d", r.URL.Redacted(), res.StatusCode)
	default:
		return unread(res)
	}
	defer res.Body.Close()
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	release, err := t.reserve(max(res.ContentLength, 0), f.name)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	defer release()
	return nil, f.fill(ctx, cancel, res.Body)
}

// maxRefusal is the maximum size in bytes of the text with which a registry refuses a blob.
const maxRefusal = 64 << 10

// unread returns res with its body in memory, so that it does not depend on the context of
// its request.
func unread(res *http.Response) (*http.Response, error) {
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	res.Body = io.NopCloser(bytes.NewReader(data))
	return res, err
}

// client returns a client that follows the redirections of registries to the servers of
// their blobs. It sends credentials to the registry alone.
func (t *Transport) client() *http.Client {
	return &http.Client{Transport: t.Inner, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("stopped after 10 redirections")
		}
		if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
			req.Header.Del("Authorization")
		}
		return nil
	}}
}

// partialFile is the file of a download, its size, and the hash of its contents.
type partialFile struct {
	*os.File
	name string
	size int64
	sum  hash.Hash
	// handed is how many bytes of the file the kernel was told to store on the disk.
	handed int64
	// handing has the result of the last call for that; it is empty while one is in progress.
	handing chan error
	// follower receives the bytes as they arrive; nil: nobody.
	follower *follower
}

// openPartial opens the file of an interrupted download, or creates it. While another
// process writes the file, openPartial waits.
func openPartial(ctx context.Context, name string) (*partialFile, error) {
	f, err := lockFile(ctx, name)
	if err != nil {
		return nil, err
	}
	p := &partialFile{File: f, name: name, sum: sha256.New(), handing: make(chan error, 1)}
	p.handing <- nil
	if p.size, err = addTo(ctx, p.sum, f); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// lockFile opens the file called name, or creates it, and locks it until it is closed.
func lockFile(ctx context.Context, name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		locked := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if locked == nil && isStill(f, name) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		if locked != nil && !errors.Is(locked, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", name, locked)
		}
		if err := neco.SleepContext(ctx, pause); err != nil {
			return nil, fmt.Errorf("another program downloads %s: %w", name, context.Cause(ctx))
		}
	}
}

// isStill reports whether name is the name of the open file f. Another process that has
// completed a download has renamed its file.
func isStill(f *os.File, name string) bool {
	a, errA := f.Stat()
	b, errB := os.Stat(name)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// restart empties the file: the registry sends the whole blob, not the requested range.
func (p *partialFile) restart() error {
	if p.size == 0 { // after a truncation, the kernel would store the file while it is closed
		return nil
	}
	p.follower.end(0, false)
	p.sum.Reset()
	p.size, p.handed = 0, 0
	_, err := p.Seek(0, io.SeekStart)
	return errors.Join(err, p.Truncate(0))
}

// fill appends body. It calls cancel, which ends the request of body, if body stalls.
func (p *partialFile) fill(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader) error {
	timer := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer timer.Stop()
	buf := make([]byte, 256<<10)
	for {
		timer.Reset(stall)
		n, err := body.Read(buf)
		timer.Stop() // the disk and the follower may take longer
		if n > 0 {
			if _, err := p.Write(buf[:n]); err != nil {
				return backoff.Permanent(err)
			}
			p.sum.Write(buf[:n])
			p.follower.write(p.size, buf[:n])
			p.size += int64(n)
			report(ctx, int64(n))
			if err := p.handOver(); err != nil {
				return backoff.Permanent(err)
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
	}
}

// commit moves the complete file to name. A file with another digest is removed.
func (p *partialFile) commit(name, digest string) error {
	if got := hex.EncodeToString(p.sum.Sum(nil)); got != digest {
		return errors.Join(mismatch{digest, got}, os.Remove(p.name))
	}
	return os.Rename(p.name, name)
}
