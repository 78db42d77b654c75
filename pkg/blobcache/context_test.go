package blobcache_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/blobcache"
)

// errEnded is the cause with which a test ends a context.
var errEnded = errors.New("it takes too long")

func TestTheEndOfTheContextEndsADownload(t *testing.T) {
	b, ref, _ := serve(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	b.refuse = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		cancel(errEnded)
		<-r.Context().Done()
		return true
	}
	err := fetch(ctx, blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30), ref, io.Discard)
	if err == nil || !strings.Contains(err.Error(), errEnded.Error()) {
		t.Errorf("error %v", err)
	}
}

// TestTheEndOfTheContextEndsTheWaitForABlob waits for a blob that another request downloads.
func TestTheEndOfTheContextEndsTheWaitForABlob(t *testing.T) {
	b, ref, img := serve(t)
	begun, release := make(chan struct{}), make(chan struct{})
	b.refuse = func(http.ResponseWriter, *http.Request) bool {
		select {
		case begun <- struct{}{}:
			<-release
		case <-release:
		}
		return false
	}
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	config, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	waited := blob{ref: ref, digest: config.Hex}
	first := make(chan error, 1)
	go func() { first <- waited.request(t.Context(), cache) }()
	<-begun
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errEnded)
	defer cancel()
	second := make(chan error, 2)
	go func() { second <- waited.request(ctx, cache) }()
	go func() {
		_, err := cache.Copy(ctx, config.Hex, io.Discard, func() error { return nil })
		second <- err
	}()
	for range 2 {
		select {
		case err := <-second:
			if !errors.Is(err, errEnded) {
				t.Errorf("error %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("a wait does not end")
		}
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// TestTheEndOfTheContextEndsTheVerificationOfAFile verifies files that take a minute, which
// an earlier process has left.
func TestTheEndOfTheContextEndsTheVerificationOfAFile(t *testing.T) {
	_, ref, _ := serve(t)
	digest := strings.Repeat("0", 64)
	for _, name := range []string{digest, digest + ".partial"} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, 32<<30); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errEnded)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ref.Context().RegistryStr()+"/v2/cybozu/serf/blobs/sha256:"+digest, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blobcache.New(http.DefaultTransport, dir, 1<<40).RoundTrip(req); !errors.Is(err, errEnded) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the file is lost: %v", err)
		}
	}
}

// TestTheEndOfTheContextEndsAnImageFromTheCache cancels a fetch in the first of three layers
// that are in the cache.
func TestTheEndOfTheContextEndsAnImageFromTheCache(t *testing.T) {
	_, ref, img := serve(t)
	cache := blobcache.New(http.DefaultTransport, t.TempDir(), 1<<30)
	check(t, cache, ref, img)
	ctx, cancel := context.WithCancelCause(t.Context())
	written := 0
	err := fetchUnverified(ctx, cache, ref, writerFunc(func(p []byte) (int, error) {
		if written += len(p); written > layer/2 {
			cancel(errEnded)
		}
		return len(p), nil
	}))
	if !errors.Is(err, errEnded) || written > layer {
		t.Errorf("error %v after %d bytes", err, written)
	}
}

// writerFunc is an io.Writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
