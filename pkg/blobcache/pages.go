package blobcache

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// portion is how many bytes of a download are written before the kernel is told to store
// them on the disk.
const portion = 8 << 20

// handOver tells the kernel to store the bytes on the disk that were written since the last
// call, if they are a portion, and does not wait for it. By default, the kernel begins only when
// a tenth of the memory is unsaved, and soon delays all writes, also those of other programs.
func (p *partialFile) handOver() error {
	if p.size-p.handed < portion {
		return nil
	}
	from := p.handed
	p.handed = p.size
	return unix.SyncFileRange(int(p.Fd()), from, p.size-from, unix.SYNC_FILE_RANGE_WRITE)
}

// lastReadKey is the key of the mark in a context; see [WithLastRead].
type lastReadKey struct{}

// WithLastRead returns a context for reads of cached blobs that are not soon read again. When
// such a blob is closed, it leaves the page cache of the kernel, which so keeps the files of
// other programs. The blob stays on the disk.
func WithLastRead(ctx context.Context) context.Context {
	return context.WithValue(ctx, lastReadKey{}, true)
}

// lastRead is an open blob that is not soon read again.
type lastRead struct{ *os.File }

// Close implements io.Closer.
func (f lastRead) Close() error {
	return errors.Join(unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.File.Close())
}
