package blobcache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/cybozu-go/neco/pkg/blobcache"
)

// blobOf returns the digest of the first layer of img in hexadecimal, its bytes, and a function that
// requests it through t.
func blobOf(t *testing.T, ref name.Reference, img v1.Image, cache http.RoundTripper) (digest string, content []byte, request func(context.Context) error) {
	t.Helper()
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if content, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	digest = layerOf(t, img, 0)
	return digest, content, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ref.Context().RegistryStr()+"/v2/cybozu/serf/blobs/sha256:"+digest, nil)
		if err != nil {
			return err
		}
		res, err := cache.RoundTrip(req)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
}

// TestCopyWritesWhatIsDownloadedAtOnce lets the registry wait in the middle of a blob until
// the writer has the first half.
func TestCopyWritesWhatIsDownloadedAtOnce(t *testing.T) {
	b, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	digest, content, request := blobOf(t, ref, img, cache)
	half := make(chan struct{})
	b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		if err := await(half, "the first half of the blob"); err != nil {
			t.Error(err)
		}
		_, _ = w.Write(content[len(content)/2:])
		return true
	}
	var got bytes.Buffer
	n, err := cache.Copy(t.Context(), digest, writerFunc(func(p []byte) (int, error) {
		before := got.Len()
		got.Write(p)
		if before < len(content)/2 && got.Len() >= len(content)/2 {
			close(half)
		}
		return len(p), nil
	}), func() error { return request(t.Context()) })
	if err != nil || n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("%d of %d bytes are written, the right ones: %v, error %v", n, len(content), bytes.Equal(got.Bytes(), content), err)
	}
}

// TestCopyWritesEachByteOnce interrupts a download, and reads the blob from the cache then.
func TestCopyWritesEachByteOnce(t *testing.T) {
	b, ref, img := serve(t)
	dir := t.TempDir()
	cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
	digest, content, request := blobOf(t, ref, img, cache)
	b.limit = layer / 3
	for _, cache := range []*blobcache.Transport{cache, cache, blobcache.New(http.DefaultTransport, dir, 1<<30)} {
		var got bytes.Buffer
		n, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) })
		if err != nil || n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%d of %d bytes are written, the right ones: %v, error %v", n, len(content), bytes.Equal(got.Bytes(), content), err)
		}
	}
}

// TestCopyNeverHasBytesThatAreNotVerified sends wrong bytes before the right ones.
func TestCopyNeverHasBytesThatAreNotVerified(t *testing.T) {
	const wrong = "<html>welcome</html>"
	t.Run("the registry begins again", func(t *testing.T) {
		b, ref, img := serve(t)
		cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
		digest, content, request := blobOf(t, ref, img, cache)
		attempts := 0
		b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			if attempts++; attempts > 1 {
				return false
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = io.WriteString(w, wrong)
			return true
		}
		checkCopies(t, cache, digest, content, request)
		if attempts != 2 {
			t.Errorf("%d requests, want 2", attempts)
		}
	})
	// Here, the download of another request gives the follower the wrong bytes.
	t.Run("another download", func(t *testing.T) {
		b, ref, img := serve(t)
		cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
		digest, content, request := blobOf(t, ref, img, cache)
		attempts := 0
		b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if attempts++; attempts > 1 {
				return false
			}
			_, _ = io.WriteString(w, wrong)
			return true
		}
		checkCopies(t, cache, digest, content, func(ctx context.Context) error {
			if attempts == 0 {
				if err := request(ctx); err == nil {
					t.Error("the wrong blob is accepted")
				}
			}
			return request(ctx)
		})
	})
}

// checkCopies copies a blob twice. The first time gives wrong bytes, which must be an error.
func checkCopies(t *testing.T, cache *blobcache.Transport, digest string, content []byte, request func(context.Context) error) {
	t.Helper()
	var got bytes.Buffer
	if _, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) }); err == nil || !strings.Contains(err.Error(), "a download of the blob has failed") {
		t.Errorf("error %v after %d bytes", err, got.Len())
	}
	got.Reset()
	if _, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) }); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("then %d of %d bytes are written, error %v", got.Len(), len(content), err)
	}
}

// TestAFetchEndsWithItsWriter lets the writer fail while the registry holds back the rest of a
// layer.
func TestAFetchEndsWithItsWriter(t *testing.T) {
	b, ref, img := serve(t)
	ended := make(chan struct{})
	first := layerOf(t, img, 0)
	_, content, _ := blobOf(t, ref, img, nil)
	b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, first) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(ended)
		return true
	}
	full := errors.New("the disk is full")
	written := 0
	err := fetchUnverified(t.Context(), blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30), ref, writerFunc(func(p []byte) (int, error) {
		if written += len(p); written < layer/4 {
			return len(p), nil
		}
		return 0, full
	}))
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	if err := await(ended, "the end of the request"); err != nil {
		t.Error(err)
	}
}

// TestCopyContinuesADownloadOfBefore begins with a blob of which the cache has a part.
func TestCopyContinuesADownloadOfBefore(t *testing.T) {
	b, ref, img := serve(t)
	dir := t.TempDir()
	b.limit = layer / 8 // more interruptions than attempts
	cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
	digest, content, request := blobOf(t, ref, img, cache)
	var part bytes.Buffer
	n, err := cache.Copy(t.Context(), digest, &part, func() error { return request(t.Context()) })
	if err == nil || n == 0 || n != int64(part.Len()) || !bytes.HasPrefix(content, part.Bytes()) {
		t.Fatalf("%d of %d bytes are written, error %v", n, len(content), err)
	}
	b.limit = 0
	var got bytes.Buffer
	if _, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) }); err != nil || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("%d of %d bytes are written, error %v", got.Len(), len(content), err)
	}
	if b.sent != int64(len(content)) {
		t.Errorf("%d bytes are sent, want %d", b.sent, len(content))
	}
}

// TestALargeBlobIsCopied copies a blob that is handed to the disk in several portions.
func TestALargeBlobIsCopied(t *testing.T) {
	_, ref, img := serveImage(t, 30<<20, 1)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	digest, content, request := blobOf(t, ref, img, cache)
	for _, title := range []string{"from the registry", "from the cache"} {
		var got bytes.Buffer
		if _, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) }); err != nil || !bytes.Equal(got.Bytes(), content) {
			t.Errorf("%s: %d of %d bytes are written, error %v", title, got.Len(), len(content), err)
		}
	}
}

func TestCopiesOfABlobShareADownload(t *testing.T) {
	b, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	digest, content, request := blobOf(t, ref, img, cache)
	errs := make(chan error)
	for range 6 {
		go func() {
			var got bytes.Buffer
			_, err := cache.Copy(t.Context(), digest, &got, func() error { return request(t.Context()) })
			if err == nil && !bytes.Equal(got.Bytes(), content) {
				err = fmt.Errorf("%d of %d bytes are written, or other ones", got.Len(), len(content))
			}
			errs <- err
		}()
	}
	for range 6 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if b.sent != int64(len(content)) {
		t.Errorf("%d bytes are sent, want %d", b.sent, len(content))
	}
}

func TestCopyReturnsTheErrorOfItsWriter(t *testing.T) {
	_, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	digest, _, request := blobOf(t, ref, img, cache)
	full := errors.New("the disk is full")
	for _, title := range []string{"from the registry", "from the cache"} {
		_, err := cache.Copy(t.Context(), digest, writerFunc(func(p []byte) (int, error) { return 0, full }), func() error { return request(t.Context()) })
		if !errors.Is(err, full) {
			t.Errorf("%s: error %v", title, err)
		}
	}
}

// await waits until done is closed, at most 30 seconds.
func await(done <-chan struct{}, what string) error {
	select {
	case <-done:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%s does not come", what)
	}
}
