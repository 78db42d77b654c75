package steps_test

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

const contentsStep = 14

// flatcar is a download host of the operating system, which the transport of the test
// reaches under every name.
type flatcar struct {
	url string
	// files are the contents by the last part of the path.
	files map[string]string
	// bytes is the number of bytes sent.
	bytes atomic.Int64
}

func newFlatcar(t *testing.T, files map[string]string) *flatcar {
	f := &flatcar{files: files}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

// ServeHTTP implements http.Handler.
func (f *flatcar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := f.files[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	if !ok {
		http.NotFound(w, r)
		return
	}
	f.bytes.Add(int64(len(text)))
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

// RoundTrip implements http.RoundTripper.
func (f *flatcar) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := r.Clone(r.Context())
	plain.URL.Scheme, plain.URL.Host = "http", strings.TrimPrefix(f.url, "http://")
	res, err := http.DefaultTransport.RoundTrip(plain)
	if err != nil {
		return nil, err
	}
	res.Request = r
	return res, nil
}

func TestSabakanGetsTheOperatingSystemOnce(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	want := map[string]string{"kernel": strings.Repeat("k", 1000), "initrd.gz": strings.Repeat("i", 1024)}
	outside := newFlatcar(t, map[string]string{
		"flatcar_production_pxe.vmlinuz": want["kernel"], "flatcar_production_pxe_image.cpio.gz": want["initrd.gz"],
	})
	h.Transport = func(storage.Config) (http.RoundTripper, error) { return outside, nil }
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	at := update.Place{Step: contentsStep}
	for range 2 {
		if note, err := h.Do(t.Context(), at, tg); note != "" || err != nil {
			t.Fatalf("note %q, error %v", note, err)
		}
	}
	if got := outside.bytes.Load(); got != 2024 {
		t.Errorf("%d bytes are downloaded, want 2024", got)
	}
	if there, err := ch.FS.Exists("/var/lib/neco/os-image"); there || err != nil {
		t.Errorf("the downloaded files are left (%v)", err)
	}
	if diff := cmp.Diff(want, uploaded(t, h.Sabakan+"/api/v1/images/coreos/"+componenttest.Artifacts().OSImage.Version)); diff != "" {
		t.Error(diff)
	}
}

// uploaded returns the files of the archive at url.
func uploaded(t *testing.T, url string) map[string]string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	files := map[string]string{}
	r := tar.NewReader(res.Body)
	for {
		head, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[head.Name] = string(data)
	}
}

func TestAnOperatingSystemThatIsNotUploadedIsNoSuccess(t *testing.T) {
	kernel, initrd := "flatcar_production_pxe.vmlinuz", "flatcar_production_pxe_image.cpio.gz"
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a file is missing": {map[string]string{kernel: "k"}, initrd},
		"a file is empty":   {map[string]string{kernel: "k", initrd: ""}, "images/coreos/"},
	} {
		t.Run(name, func(t *testing.T) {
			_, units, h, ch := newHost(t)
			h.Sabakan = sabakantest.Start(t)
			h.Transport = func(storage.Config) (http.RoundTripper, error) { return newFlatcar(t, tt.files), nil }
			put(t, ch.FS, neco.SabakanCertFile, "x")
			if err := units.Start(t.Context(), neco.SabakanService); err != nil {
				t.Fatal(err)
			}
			tg, _ := target(neco.ProdEnv)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := h.Do(ctx, update.Place{Step: contentsStep}, tg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want %q", err, tt.want)
			}
			c := sabakan.New(h.Sabakan)
			defer c.Close()
			if all, err := c.Images(t.Context()); err != nil || len(all) > 0 {
				t.Errorf("images %v, %v", all, err)
			}
		})
	}
}

func TestTheOperatingSystemIsVerified(t *testing.T) {
	const kernel, initrd = "flatcar_production_pxe.vmlinuz", "flatcar_production_pxe_image.cpio.gz"
	for name, tt := range map[string]struct {
		got   map[string]string // the files that the download host has, by name
		env   string
		wrong string // the file that is refused; empty: none
		fault bool   // of the release
	}{
		"both digests match":         {map[string]string{kernel: "k", initrd: "i"}, neco.ProdEnv, "", false},
		"another kernel":             {map[string]string{kernel: "K", initrd: "i"}, neco.ProdEnv, kernel, true},
		"another initrd":             {map[string]string{kernel: "k", initrd: "I"}, neco.ProdEnv, initrd, true},
		"another kernel in env test": {map[string]string{kernel: "K", initrd: "i"}, neco.TestEnv, kernel, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, units, h, ch := newHost(t)
			h.Sabakan = sabakantest.Start(t)
			for i, url := range osURLs() {
				o.digests[url] = sum([]string{"k", "i"}[i])
			}
			h.Transport = func(storage.Config) (http.RoundTripper, error) { return newFlatcar(t, tt.got), nil }
			put(t, ch.FS, neco.SabakanCertFile, "x")
			if err := units.Start(t.Context(), neco.SabakanService); err != nil {
				t.Fatal(err)
			}
			tg, _ := target(tt.env)
			_, err := h.Do(t.Context(), update.Place{Step: contentsStep}, tg)
			if tt.wrong == "" && err != nil {
				t.Errorf("error %v", err)
			}
			if tt.wrong != "" {
				for _, want := range []string{tt.wrong, "SHA-256 is " + sum(tt.got[tt.wrong]), "want " + sum(strings.ToLower(tt.got[tt.wrong])), "wait for a release"} {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("error %v; want %q", err, want)
					}
				}
				if !worker.IsPermanent(err) || worker.IsReleaseFault(err) != tt.fault {
					t.Errorf("permanent %t, fault of the release %t; want true, %t", worker.IsPermanent(err), worker.IsReleaseFault(err), tt.fault)
				}
			}
			if there, err := ch.FS.Exists("/var/lib/neco/os-image"); there || err != nil {
				t.Errorf("the downloaded files are left (%v)", err)
			}
			c := sabakan.New(h.Sabakan)
			defer c.Close()
			if all, err := c.Images(t.Context()); err != nil || (len(all) > 0) != (tt.wrong == "") {
				t.Errorf("images %v, %v", all, err)
			}
		})
	}
}

// TestAnImageInSabakanIsNotComparedWithItsDigest: sabakan reports the digests of assets, but
// not those of images.
func TestAnImageInSabakanIsNotComparedWithItsDigest(t *testing.T) {
	o, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	outside := newFlatcar(t, map[string]string{"flatcar_production_pxe.vmlinuz": "k", "flatcar_production_pxe_image.cpio.gz": "i"})
	h.Transport = func(storage.Config) (http.RoundTripper, error) { return outside, nil }
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	for range 2 { // the first time without digests
		if _, err := h.Do(t.Context(), update.Place{Step: contentsStep}, tg); err != nil {
			t.Fatal(err)
		}
		for _, url := range osURLs() {
			o.digests[url] = sum("another content")
		}
	}
	if got := outside.bytes.Load(); got != 2 {
		t.Errorf("%d bytes are downloaded, want 2", got)
	}
}

// osURLs returns the URLs of the kernel and of the initrd.
func osURLs() []string {
	kernel, initrd := componenttest.Artifacts().OSImage.URLs()
	return []string{kernel, initrd}
}

// sum returns the SHA-256 of text in hex.
func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func TestAnImageThatSabakanHasRemovedIsNamed(t *testing.T) {
	_, units, h, ch := newHost(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `[{"id": "1.0.0"}]`)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusConflict)
	}))
	defer s.Close()
	h.Sabakan = s.URL
	h.Transport = func(storage.Config) (http.RoundTripper, error) {
		return newFlatcar(t, map[string]string{"flatcar_production_pxe.vmlinuz": "k", "flatcar_production_pxe_image.cpio.gz": "i"}), nil
	}
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	_, err := h.Do(t.Context(), update.Place{Step: contentsStep}, tg)
	if err == nil || !worker.IsPermanent(err) || !strings.Contains(err.Error(), "has removed it") {
		t.Errorf("error %v", err)
	}
}
