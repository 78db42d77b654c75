package blobcache

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// Copy writes the blob with this SHA-256 in hexadecimal to w, and returns how many bytes it
// has written. It calls request, which must request the blob through t. If that downloads the
// blob, w receives the bytes as they arrive, so that they need not be read from the disk. All
// other bytes come from the cache. The digest of a download is known at its end: after an
// error, w may have wrong bytes. A download that begins again with the first byte is
// completed, but is an error, because w has other bytes then. Copy returns an error that is
// fs.ErrNotExist if the cache does not have the blob after request; w may then have a part of
// it. Copy blocks until request returns and w has all bytes.
func (t *Transport) Copy(ctx context.Context, digest string, w io.Writer, request func() error) (int64, error) {
	f := &follower{w: w}
	end := t.follow(digest, f)
	err := request()
	end()
	switch {
	case err != nil:
		return f.size, err
	case f.err != nil:
		return f.size, f.err
	case f.complete:
		return f.size, nil
	}
	n, err := t.copyFrom(ctx, digest, f.size, w)
	return f.size + n, err
}

// copyFrom writes the cached blob with this digest to w, without its first bytes.
func (t *Transport) copyFrom(ctx context.Context, digest string, first int64, w io.Writer) (n int64, err error) {
	unlock, err := t.lock(ctx, digest)
	if err != nil {
		return 0, err
	}
	blob, _, err := t.open(ctx, digest)
	unlock()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	if _, err := blob.Seek(first, io.SeekStart); err != nil {
		return 0, err
	}
	n, err = io.Copy(w, blob)
	if ctx.Value(lastReadKey{}) != nil {
		_ = unix.Fadvise(int(blob.Fd()), 0, 0, unix.FADV_DONTNEED) // the kernel may ignore it, too
	}
	return n, err
}

// follower is a writer that receives a blob while it is downloaded.
type follower struct {
	mu sync.Mutex
	// w receives the bytes; nil: not any more.
	w io.Writer
	// size is how many bytes w has received, the first ones of the blob.
	size int64
	// err is the error of w, or errBroken.
	err error
	// complete means that w has the whole blob, and that its digest is right.
	complete bool
}

// errBroken reports that a follower has received bytes which are not verified.
var errBroken = errors.New("a download of the blob has failed after a part of it; the next attempt reads it from the cache or downloads it")

// follow gives f the bytes of the next download of the blob with this digest, unless another
// follower gets them. It returns the function that ends this.
func (t *Transport) follow(digest string, f *follower) (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.followers[digest] != nil {
		return func() {}
	}
	t.followers[digest] = f
	return func() {
		t.mu.Lock()
		delete(t.followers, digest)
		t.mu.Unlock()
		f.mu.Lock()
		defer f.mu.Unlock()
		f.w = nil
	}
}

// follower returns the follower of the blob with this digest, or nil.
func (t *Transport) follower(digest string) *follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.followers[digest]
}

// write gives f the part of p that follows what f has received. The first byte of p is the
// one at offset in the blob. f gets nothing if bytes between are missing.
func (f *follower) write(offset int64, p []byte) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	received := f.size - offset
	if f.w == nil || f.err != nil || received < 0 || received >= int64(len(p)) {
		return
	}
	n, err := f.w.Write(p[received:])
	f.size, f.err = f.size+int64(n), err
}

// end tells f that a download of size bytes has ended, or begins again with the first byte.
func (f *follower) end(size int64, verified bool) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case verified:
		f.complete = f.err == nil && f.size == size
	case f.size > 0 && f.err == nil:
		f.err = errBroken
	}
}
