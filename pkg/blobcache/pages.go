package blobcache

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// portion is how many bytes of a download are written before the kernel is told to store
// them on the disk.
const portion = 8 << 20

// handOver tells the kernel to store the bytes on the disk that were written since the last
// call, if they are a portion. By default, the kernel begins only when a tenth of the memory is
// unsaved, and soon delays all writes, also those of other programs. handOver does not wait:
// the kernel returns only when the disk has room in its queue. It returns the error of a call before.
func (p *partialFile) handOver() error {
	if p.size-p.handed < portion {
		return nil
	}
	select {
	case err := <-p.handing:
		if err != nil {
			p.handing <- nil
			return err
		}
	default: // the kernel has not returned yet; the next call hands over more
		return nil
	}
	from, n := p.handed, p.size-p.handed
	p.handed = p.size
	go func() { p.handing <- unix.SyncFileRange(int(p.Fd()), from, n, unix.SYNC_FILE_RANGE_WRITE) }()
	return nil
}

// Close implements io.Closer.
func (p *partialFile) Close() error {
	return errors.Join(<-p.handing, p.File.Close())
}

// lastReadKey is the key of the mark in a context; see [WithLastRead].
type lastReadKey struct{}

// WithLastRead returns a context for reads of cached blobs that are not soon read again. After
// such a read, the blob leaves the page cache of the kernel, which so keeps the files of
// other programs. The blob stays on the disk.
func WithLastRead(ctx context.Context) context.Context {
	return context.WithValue(ctx, lastReadKey{}, true)
}
