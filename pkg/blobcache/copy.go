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
// error, w may have wrong bytes. Copy returns an error that is fs.ErrNotExist if the cache
// does not have the blob after request; w may then have a part of it. Copy blocks until
// request returns and w has all bytes.
func (t *Transport) Copy(ctx context.Context, digest string, w io.Writer, request func() error) (int64, error) {
	f := &follower{w: w}
	end := t.follow(digest, f)
	err := request()
	end()
	if err == nil {
		err = f.err
	}
	if err != nil {
		return f.size, err
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
	if n, err = io.Copy(w, blob); err == nil && ctx.Value(lastReadKey{}) != nil {
		err = unix.Fadvise(int(blob.Fd()), 0, 0, unix.FADV_DONTNEED)
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
	// err is the error of w.
	err error
}

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
