package blobcache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// headroom is the free space in bytes that a download leaves for others.
const headroom = 512 << 20

// reserve makes space for size bytes that a download is about to write to the file keep,
// and returns the function that ends the reservation. It removes the least recently used
// files of the cache until the cache is not larger than t.Max and the disk has space. It
// returns an error if that does not suffice.
func (t *Transport) reserve(size int64, keep string) (release func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	files, err := t.files()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	need := t.reserved + size
	used := need
	for _, f := range files {
		used += f.Size()
	}
	for {
		free, err := host.FS{Root: t.Dir}.Free("/")
		if err != nil {
			return nil, err
		}
		enough := free >= uint64(need+headroom)
		if enough && used <= t.Max {
			break
		}
		removed, err := t.removeOldest(&files, keep)
		if err != nil {
			return nil, err
		}
		if removed >= 0 {
			used -= removed
			continue
		}
		if !enough {
			return nil, fmt.Errorf("DiskFull: %s has %d MiB left, and an image needs %d MiB; free some space", t.Dir, free>>20, (need+headroom)>>20)
		}
		break // a blob may be larger than the cache
	}
	t.reserved += size
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.reserved -= size
	}, nil
}

// removeOldest removes the first of files that is neither keep nor in use, also from files.
// It returns the size of the file, or -1 if there is none.
func (t *Transport) removeOldest(files *[]fs.FileInfo, keep string) (int64, error) {
	for i, f := range *files {
		name := filepath.Join(t.Dir, f.Name())
		if s := t.busy[digestOf(f.Name())]; name == keep || s != nil && !s.TryAcquire(1) {
			continue
		} else if s != nil {
			defer s.Release(1)
		}
		*files = slices.Delete(*files, i, i+1)
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		return f.Size(), nil
	}
	return -1, nil
}

// touch marks the file as used now.
func touch(name string) error {
	now := time.Now()
	return os.Chtimes(name, now, now)
}
