package contents_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/blobcache"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// roundTripper is an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestOtherImagesAreDownloadedDuringUploads holds back all uploads until another image is
// downloaded than those.
func TestOtherImagesAreDownloadedDuringUploads(t *testing.T) {
	u, d, _ := withContents(t)
	target, err := url.Parse(d.sabakan)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	downloading, uploading := map[string]bool{}, map[string]bool{}
	other := make(chan struct{})
	check := func(names map[string]bool, name string) {
		mu.Lock()
		defer mu.Unlock()
		names[name] = true
		if len(uploading) == 2 && len(downloading) > 2 {
			select {
			case <-other:
			default:
				close(other)
			}
		}
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			check(uploading, r.URL.Path)
			select {
			case <-other:
			case <-time.After(30 * time.Second):
				t.Error("no image is downloaded during uploads")
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	defer s.Close()
	u.Sabakan = sabakan.New(s.URL)
	defer u.Sabakan.Close()
	inner := u.Transport
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if name, _, ok := strings.Cut(r.URL.Path, "/manifests/"); ok {
			check(downloading, name)
		}
		return inner.RoundTrip(r)
	})
	u.Images = host.Containers{FS: u.FS, Transport: transport, Cache: blobcache.New(transport, t.TempDir(), 1<<30)}
	if err := u.CKEImages(t.Context()); err != nil {
		t.Fatal(err)
	}
}
