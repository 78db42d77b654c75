package contents_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/registrytest"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// pause is an image that CKE runs on nodes, and pauseAsset its name in sabakan.
const (
	pause      = "quay.io/cybozu/pause:3.6.0.1"
	pauseAsset = "cybozu-pause-3.6.0.1.img"
)

// broken is a body of which a part can be read.
type broken struct {
	io.Reader
	io.Closer
}

var errBroken = errors.New("the connection is broken")

// Read implements io.Reader.
func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errBroken
	}
	return n, err
}

// faulty is a sabakan whose first upload is cut off after half of the data has reached it.
// It takes all data of the second upload and answers with status 500. Later uploads work.
type faulty struct {
	url     string
	uploads atomic.Int32
	// announced is the digest in the header of the last upload.
	announced atomic.Value
}

// startFaulty starts a faulty one in front of the sabakan at the URL behind.
func startFaulty(t *testing.T, behind string) *faulty {
	t.Helper()
	to, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			f.announced.Store(r.Header.Get("X-Sabakan-Asset-SHA256"))
			switch f.uploads.Add(1) {
			case 1:
				r.Body = broken{io.LimitReader(r.Body, r.ContentLength/2), r.Body}
			case 2:
				_, _ = io.Copy(io.Discard, r.Body) // the status says that it has failed
				http.Error(w, `{"error": "no space left on device"}`, http.StatusInternalServerError)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

func TestABrokenUploadOfAnImageIsRepeatedFromTheCache(t *testing.T) {
	behind := sabakantest.Start(t)
	f := startFaulty(t, behind)
	u, c := withTemplatesAt(t, f.url)
	if _, err := u.FS.Write(host.File{Path: neco.CKECLIBin, Data: []byte("#!/bin/sh\necho " + pause + "\n"), Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	img, err := neco.ParseContainerImageName(pause)
	if err != nil {
		t.Fatal(err)
	}
	d, size := serve(t, &u, registrytest.Images{Names: []neco.ContainerImage{img}, Layers: []int64{3 << 20, 20 << 10}})
	for _, failure := range []string{"the first upload is cut off", "the second upload gets status 500"} {
		if err := u.CKEImages(t.Context()); err == nil || !retry.MayPass(err) {
			t.Fatalf("%s: error %v, may pass: %t", failure, err, retry.MayPass(err))
		}
		if a, err := c.Asset(t.Context(), pauseAsset); !errors.Is(err, sabakan.ErrNotFound) {
			t.Errorf("%s, and sabakan has %+v (%v)", failure, a, err)
		}
	}
	if err := u.CKEImages(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.registry.Sent(); got != size || f.uploads.Load() != 3 {
		t.Errorf("the registry has sent %d bytes of %d for %d uploads, want 3", got, size, f.uploads.Load())
	}
	a, err := c.Asset(t.Context(), pauseAsset)
	if err != nil || a.SHA256 != f.announced.Load() || a.SHA256 != digestAt(t, behind+"/api/v1/assets/"+pauseAsset) {
		t.Errorf("asset %+v (%v); announced is the digest %v", a, err, f.announced.Load())
	}
}

// digestAt returns the SHA-256 of the file at url.
func digestAt(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", url, res.StatusCode, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestABrokenUploadOfTheOperatingSystemIsRepeatedFromTheFiles(t *testing.T) {
	behind := sabakantest.Start(t)
	f := startFaulty(t, behind)
	u, c := withTemplatesAt(t, f.url)
	d, _ := serve(t, &u, registrytest.Images{})
	var failures []string
	u.Observe = func(e contents.Event) {
		if e.State != contents.Repeating {
			return
		}
		failures = append(failures, e.Reason)
		if all, err := c.Images(t.Context()); len(all) > 0 || err != nil {
			t.Errorf("after %s sabakan has %+v (%v)", e.Reason, all, err)
		}
	}
	if err := u.OSImage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.os.sent.Load(); got != 2000 || f.uploads.Load() != 3 {
		t.Errorf("%d bytes are downloaded for %d uploads, want 2000 for 3", got, f.uploads.Load())
	}
	if len(failures) != 2 || !strings.Contains(failures[1], "no space left on device (status 500)") {
		t.Errorf("reported are %q", failures)
	}
	if all, err := c.Images(t.Context()); len(all) != 1 || all[0].ID != neco.CurrentArtifacts.OSImage.Version || err != nil {
		t.Errorf("images %+v (%v)", all, err)
	}
	if there, err := u.FS.Exists("/var/lib/neco/os-image"); there || err != nil {
		t.Errorf("the downloaded files are left (%v)", err)
	}
}
