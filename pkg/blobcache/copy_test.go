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

// blob is a blob of the image at ref.
type blob struct {
	ref name.Reference
	// digest is its SHA-256 in hexadecimal.
	digest  string
	content []byte
}

// layerBlob returns the first layer of img, the image at ref.
func layerBlob(t *testing.T, ref name.Reference, img v1.Image) blob {
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
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return blob{ref, layerOf(t, img, 0), content}
}

// request requests the blob through cache.
func (b blob) request(ctx context.Context, cache http.RoundTripper) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.ref.Context().RegistryStr()+"/v2/cybozu/serf/blobs/sha256:"+b.digest, nil)
	if err != nil {
		return err
	}
	res, err := cache.RoundTrip(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// copy copies the blob to w.
func (b blob) copy(t *testing.T, cache *blobcache.Transport, w io.Writer) (int64, error) {
	t.Helper()
	return cache.Copy(t.Context(), b.digest, w, func() error { return b.request(t.Context(), cache) })
}

// check copies the blob and returns an error if that fails or gives other bytes.
func (b blob) check(t *testing.T, cache *blobcache.Transport) error {
	t.Helper()
	var got bytes.Buffer
	n, err := b.copy(t, cache, &got)
	if err == nil && (n != int64(len(b.content)) || !bytes.Equal(got.Bytes(), b.content)) {
		err = errors.New("other bytes are written")
	}
	if err != nil {
		return fmt.Errorf("%d of %d bytes: %w", n, len(b.content), err)
	}
	return nil
}

// TestCopyWritesWhatIsDownloadedAtOnce lets the registry wait in the middle of a blob until
// the writer has the first half.
func TestCopyWritesWhatIsDownloadedAtOnce(t *testing.T) {
	b, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	l := layerBlob(t, ref, img)
	content := l.content
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
	n, err := l.copy(t, cache, writerFunc(func(p []byte) (int, error) {
		before := got.Len()
		got.Write(p)
		if before < len(content)/2 && got.Len() >= len(content)/2 {
			close(half)
		}
		return len(p), nil
	}))
	if err != nil || n != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
		t.Errorf("%d of %d bytes are written, the right ones: %v, error %v", n, len(content), bytes.Equal(got.Bytes(), content), err)
	}
}

// TestCopyWritesEachByteOnce interrupts a download, and reads the blob from the cache then.
func TestCopyWritesEachByteOnce(t *testing.T) {
	b, ref, img := serve(t)
	dir := t.TempDir()
	cache := blobcache.New(http.DefaultTransport, dir, 1<<30)
	b.limit = layer / 3
	for _, cache := range []*blobcache.Transport{cache, cache, blobcache.New(http.DefaultTransport, dir, 1<<30)} {
		if err := layerBlob(t, ref, img).check(t, cache); err != nil {
			t.Error(err)
		}
	}
}

// TestCopyNeverHasBytesThatAreNotVerified sends wrong bytes before the right ones.
func TestCopyNeverHasBytesThatAreNotVerified(t *testing.T) {
	for title, other := range map[string]bool{"the registry begins again": false, "another download": true} {
		t.Run(title, func(t *testing.T) {
			b, ref, img := serve(t)
			cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
			l := layerBlob(t, ref, img)
			requests := 0
			b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
				r.Header.Del("Range")
				if requests++; requests > 1 {
					return false
				}
				if !other { // an answer that breaks
					w.Header().Set("Content-Length", strconv.Itoa(len(l.content)))
				}
				_, _ = io.WriteString(w, "<html>welcome</html>")
				return true
			}
			_, err := cache.Copy(t.Context(), l.digest, io.Discard, func() error {
				if other {
					if err := l.request(t.Context(), cache); err == nil {
						t.Error("the wrong blob is accepted")
					}
				}
				return l.request(t.Context(), cache)
			})
			if err == nil || !strings.Contains(err.Error(), "a download of the blob has failed") || requests != 2 {
				t.Errorf("error %v after %d requests", err, requests)
			}
			if err := l.check(t, cache); err != nil {
				t.Errorf("the second time: %v", err)
			}
		})
	}
}

// TestAFetchEndsWithItsWriter lets the writer fail while the registry holds back the rest of a
// layer.
func TestAFetchEndsWithItsWriter(t *testing.T) {
	b, ref, img := serve(t)
	ended := make(chan struct{})
	first := layerOf(t, img, 0)
	content := layerBlob(t, ref, img).content
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
	l := layerBlob(t, ref, img)
	var part bytes.Buffer
	n, err := l.copy(t, cache, &part)
	if err == nil || n == 0 || n != int64(part.Len()) || !bytes.HasPrefix(l.content, part.Bytes()) {
		t.Fatalf("%d of %d bytes are written, error %v", n, len(l.content), err)
	}
	b.limit = 0
	if err := l.check(t, cache); err != nil {
		t.Error(err)
	}
	if b.sent != int64(len(l.content)) {
		t.Errorf("%d bytes are sent, want %d", b.sent, len(l.content))
	}
}

// TestALargeBlobIsCopied copies a blob that is handed to the disk in several portions.
func TestALargeBlobIsCopied(t *testing.T) {
	_, ref, img := serveImage(t, 30<<20, 1)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	l := layerBlob(t, ref, img)
	for _, title := range []string{"from the registry", "from the cache"} {
		if err := l.check(t, cache); err != nil {
			t.Errorf("%s: %v", title, err)
		}
	}
}

func TestCopiesOfABlobShareADownload(t *testing.T) {
	b, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	l := layerBlob(t, ref, img)
	errs := make(chan error)
	for range 6 {
		go func() { errs <- l.check(t, cache) }()
	}
	for range 6 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if b.sent != int64(len(l.content)) {
		t.Errorf("%d bytes are sent, want %d", b.sent, len(l.content))
	}
}

func TestCopyReturnsTheErrorOfItsWriter(t *testing.T) {
	_, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	full := errors.New("the disk is full")
	for _, title := range []string{"from the registry", "from the cache"} {
		_, err := layerBlob(t, ref, img).copy(t, cache, writerFunc(func([]byte) (int, error) { return 0, full }))
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
