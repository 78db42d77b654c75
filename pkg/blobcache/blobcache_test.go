package blobcache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/blobcache"
)

const layer = 256 << 10

// blobs is a registry that supports ranges, as those of production do. It counts the bytes
// of blobs that it sends.
type blobs struct {
	registry http.Handler
	mu       sync.Mutex
	sent     int64
	// refuse, if not nil, may answer a request for a blob itself.
	refuse func(w http.ResponseWriter, r *http.Request) bool
	// limit is how many bytes of a blob an answer has before its connection breaks; 0: all.
	limit int64
}

// ServeHTTP implements http.Handler.
func (b *blobs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
		b.registry.ServeHTTP(w, r)
		return
	}
	b.mu.Lock()
	refuse, limit := b.refuse, b.limit
	b.mu.Unlock()
	if refuse != nil && refuse(w, r) {
		return
	}
	plain := r.Clone(r.Context())
	plain.Header.Del("Range")
	rec := httptest.NewRecorder()
	b.registry.ServeHTTP(rec, plain)
	cut := &cutting{ResponseWriter: w, left: limit, cut: limit > 0}
	defer func() {
		b.mu.Lock()
		b.sent += cut.sent
		b.mu.Unlock()
		if cut.broken {
			panic(http.ErrAbortHandler)
		}
	}()
	http.ServeContent(cut, r, "", time.Time{}, bytes.NewReader(rec.Body.Bytes()))
}

// cutting is a http.ResponseWriter whose connection breaks after left bytes, if cut is true.
type cutting struct {
	http.ResponseWriter
	left, sent  int64
	cut, broken bool
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.cut && int64(len(p)) > c.left {
		p = p[:c.left]
		c.broken = true
	}
	n, err := c.ResponseWriter.Write(p)
	c.left, c.sent = c.left-int64(n), c.sent+int64(n)
	if c.broken && err == nil {
		err = io.ErrShortWrite
	}
	return n, err
}

// serve starts a registry with an image of three layers.
func serve(t *testing.T) (*blobs, name.Reference, v1.Image) {
	t.Helper()
	return serveImage(t, layer, 3)
}

// serveImage starts a registry with an image that has layers of size bytes.
func serveImage(t *testing.T, size, layers int64) (*blobs, name.Reference, v1.Image) {
	t.Helper()
	b := &blobs{registry: registry.New(registry.Logger(nopLog()))}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	ref, err := name.ParseReference(strings.TrimPrefix(s.URL, "http://") + "/cybozu/serf:1.0")
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(size, layers)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return b, ref, img
}

// fetch writes the image at ref to w, through a cache in dir.
func fetch(ctx context.Context, t http.RoundTripper, ref name.Reference, w io.Writer) error {
	img, err := remote.Image(ref, remote.WithContext(ctx), remote.WithTransport(t))
	if err != nil {
		return err
	}
	return tarball.Write(ref, img, w)
}

// fetchUnverified does the same as fetch, but relies on the cache to verify layers, as
// neco.ImageFetcher does.
func fetchUnverified(ctx context.Context, t http.RoundTripper, ref name.Reference, w io.Writer) error {
	img := neco.ContainerImage{Name: "serf", Repository: ref.Context().Name(), Tag: ref.Identifier()}
	return neco.NewImageFetcher(t, nil).GetTarball(ctx, img, w)
}

// check fetches the image in both ways and compares it with img.
func check(t *testing.T, cache http.RoundTripper, ref name.Reference, img v1.Image) {
	t.Helper()
	var want bytes.Buffer
	if err := tarball.Write(ref, img, &want); err != nil {
		t.Fatal(err)
	}
	for title, fetch := range map[string]func(context.Context, http.RoundTripper, name.Reference, io.Writer) error{
		"package remote": fetch, "neco.ImageFetcher": fetchUnverified,
	} {
		var got bytes.Buffer
		if err := fetch(t.Context(), cache, ref, &got); err != nil {
			t.Fatalf("%s: %v", title, err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: the image differs: %d bytes, want %d", title, got.Len(), want.Len())
		}
	}
}

// sizeOf returns the sum of the sizes of the blobs of img.
func sizeOf(t *testing.T, img v1.Image) int64 {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := m.Config.Size
	for _, l := range m.Layers {
		size += l.Size
	}
	return size
}

func TestEachByteIsDownloadedOnce(t *testing.T) {
	b, ref, img := serve(t)
	dir := t.TempDir()
	for range 2 { // processes
		cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
		check(t, cache, ref, img)
		check(t, cache, ref, img)
	}
	if want := sizeOf(t, img); b.sent != want {
		t.Errorf("%d bytes are sent, want %d", b.sent, want)
	}
}

func TestTheProgressOfADownloadIsReported(t *testing.T) {
	b, ref, img := serve(t)
	b.limit = layer / 3 // interruptions
	dir := t.TempDir()
	fetch := fetchUnverified
	for _, title := range []string{"from the registry", "from the cache"} {
		var mu sync.Mutex
		var got int64
		ctx := blobcache.WithProgress(t.Context(), func(n int64) {
			mu.Lock()
			defer mu.Unlock()
			got += n
		})
		if err := fetch(ctx, blobcache.New(http.DefaultTransport, dir, 1<<30), ref, io.Discard); err != nil {
			t.Fatal(err)
		}
		if want := sizeOf(t, img); got != want {
			t.Errorf("%s: %d bytes are reported, want %d", title, got, want)
		}
	}
}

func TestABrokenDownloadIsContinued(t *testing.T) {
	b, ref, img := serve(t)
	b.limit = layer / 3
	check(t, blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30), ref, img)
	if want := sizeOf(t, img); b.sent != want {
		t.Errorf("%d bytes are sent, want %d", b.sent, want)
	}
}

func TestTheNextProcessContinuesADownload(t *testing.T) {
	b, ref, img := serve(t)
	b.limit = layer / 8 // more interruptions than attempts
	dir := t.TempDir()
	err := fetch(t.Context(), blobcache.New(http.DefaultTransport, dir, 1<<30), ref, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	b.limit = 0
	check(t, blobcache.New(http.DefaultTransport, dir, 1<<30), ref, img)
	if want := sizeOf(t, img); b.sent != want {
		t.Errorf("%d bytes are sent, want %d", b.sent, want)
	}
	if left, err := filepath.Glob(dir + "/*.partial"); err != nil || len(left) > 0 {
		t.Errorf("left are %q, %v", left, err)
	}
}

func TestAFileThatAPowerLossHasDamagedIsDownloadedAgain(t *testing.T) {
	for title, damage := range map[string]func(name string) error{
		"empty":   func(name string) error { return os.Truncate(name, 0) },
		"shorter": func(name string) error { return os.Truncate(name, layer/2) },
		"zeros":   func(name string) error { return os.WriteFile(name, make([]byte, layer), 0o600) },
	} {
		t.Run(title, func(t *testing.T) {
			b, ref, img := serve(t)
			dir := t.TempDir()
			check(t, blobcache.New(http.DefaultTransport, dir, 1<<30), ref, img)
			files, err := filepath.Glob(dir + "/*")
			if err != nil || len(files) != 4 {
				t.Fatal(files, err)
			}
			for _, name := range files {
				if err := damage(name); err != nil {
					t.Fatal(err)
				}
			}
			check(t, blobcache.New(http.DefaultTransport, dir, 1<<30), ref, img) // the next process
			if want := 2 * sizeOf(t, img); b.sent != want {
				t.Errorf("%d bytes are sent, want %d", b.sent, want)
			}
		})
	}
}

func TestTwoDownloadsOfABlobShareIt(t *testing.T) {
	b, ref, img := serve(t)
	dir := t.TempDir()
	caches := []*blobcache.Transport{blobcache.New(http.DefaultTransport, dir, 1<<30), blobcache.New(http.DefaultTransport, dir, 1<<30)}
	errs := make(chan error)
	for i := range 6 {
		go func() { errs <- fetch(t.Context(), caches[i%2], ref, io.Discard) }()
	}
	for range 6 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	check(t, caches[0], ref, img)
	if want := sizeOf(t, img); b.sent != want {
		t.Errorf("%d bytes are sent, want %d", b.sent, want)
	}
}

func TestWhatARegistryAnswersInPlaceOfABlob(t *testing.T) {
	for title, tt := range map[string]struct {
		answer func(w http.ResponseWriter)
		want   string
	}{
		"not found":    {func(w http.ResponseWriter) { w.WriteHeader(404) }, "404"},
		"forbidden":    {func(w http.ResponseWriter) { w.WriteHeader(403) }, "403"},
		"broken":       {func(w http.ResponseWriter) { w.WriteHeader(500) }, "500"},
		"HTML":         {func(w http.ResponseWriter) { fmt.Fprint(w, "<html>welcome</html>") }, "has sent a blob with the digest"},
		"another blob": {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, layer)) }, "has sent a blob with the digest"},
	} {
		t.Run(title, func(t *testing.T) {
			b, ref, img := serve(t)
			b.refuse = func(w http.ResponseWriter, _ *http.Request) bool { tt.answer(w); return true }
			dir := t.TempDir()
			cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
			err := fetch(t.Context(), cache, ref, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			b.refuse = nil
			check(t, cache, ref, img)
		})
	}
}

func TestCredentialsGoToTheRegistryAlone(t *testing.T) {
	b, ref, img := serve(t)
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		rec := httptest.NewRecorder()
		b.registry.ServeHTTP(rec, r)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	defer elsewhere.Close()
	b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	check(t, withAuthorization{blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)}, ref, img)
	if len(seen) == 0 || strings.Join(seen, "") != "" {
		t.Errorf("the other server got %q", seen)
	}
}

func TestTheLeastRecentlyUsedBlobsAreRemoved(t *testing.T) {
	_, ref, img := serve(t)
	dir := t.TempDir()
	old := filepath.Join(dir, strings.Repeat("0", 64))
	if err := os.WriteFile(old, make([]byte, layer), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	const most = 4 * layer
	cache := blobcache.New(http.DefaultTransport, dir, most)
	check(t, cache, ref, img)
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Errorf("the oldest blob is kept (%v)", err)
	}
	if size, err := cache.Size(); size > most || err != nil {
		t.Errorf("the cache has %d bytes, %v", size, err)
	}
	// A cache that is smaller than an image still fetches it.
	check(t, blobcache.New(http.DefaultTransport, t.TempDir(), 1), ref, img)
}

func nopLog() *log.Logger { return log.New(io.Discard, "", 0) }

// withAuthorization adds credentials to each request to a registry, as the client of a
// registry does.
type withAuthorization struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (w withAuthorization) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer secret")
	return w.inner.RoundTrip(r)
}
