package blobcache_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco/pkg/blobcache"
)

// TestABlobLeavesThePageCacheAfterItsLastRead uses /var/tmp, because /tmp may be a
// file system in memory.
func TestABlobLeavesThePageCacheAfterItsLastRead(t *testing.T) {
	_, ref, img := serve(t)
	dir, err := os.MkdirTemp("/var/tmp", "blobcache")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
	check(t, cache, ref, img)
	file := filepath.Join(dir, layerOf(t, img, 0))
	store(t, file)
	if !inPageCache(t, file) {
		t.Fatal("the blob is not in the page cache after its download")
	}
	if err := fetchUnverified(t.Context(), cache, ref, io.Discard); err != nil || !inPageCache(t, file) {
		t.Fatalf("the blob is not in the page cache after a read: error %v", err)
	}
	if err := fetchUnverified(blobcache.WithLastRead(t.Context()), cache, ref, io.Discard); err != nil {
		t.Fatal(err)
	}
	if inPageCache(t, file) {
		t.Error("the blob is in the page cache after its last read")
	}
	check(t, cache, ref, img)
}

// layerOf returns the digest of a layer of img in hexadecimal.
func layerOf(t *testing.T, img v1.Image, n int) string {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m.Layers[n].Digest.Hex
}

// store stores the contents of a file on the disk: unsaved contents stay in the page cache.
func store(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inPageCache reports whether the middle of a file is in the page cache.
func inPageCache(t *testing.T, name string) bool {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	switch _, err := unix.Preadv2(int(f.Fd()), [][]byte{make([]byte, 1)}, layer/2, unix.RWF_NOWAIT); {
	case errors.Is(err, unix.EAGAIN):
		return false
	case err != nil:
		t.Fatal(err)
	}
	return true
}
