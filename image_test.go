package neco

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// serveImages starts a registry that has the same random image under each of names. It
// returns the host of the registry and the image.
func serveImages(t *testing.T, handler func(http.Handler) http.Handler, names ...string) (string, v1.Image) {
	t.Helper()
	reg := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	srv := httptest.NewServer(handler(reg))
	t.Cleanup(srv.Close)
	open := httptest.NewServer(reg)
	t.Cleanup(open.Close)
	img, err := random.Image(1<<16, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		ref, err := name.ParseReference(host(t, open.URL) + "/" + n)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img); err != nil {
			t.Fatal(err)
		}
	}
	return host(t, srv.URL), img
}

func host(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func plain(h http.Handler) http.Handler { return h }

func TestGetTarballGivesWhatDockerLoads(t *testing.T) {
	host, want := serveImages(t, plain, "cybozu/etcd:3.5")
	img := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	file := tempFile(t, "")
	var buf bytes.Buffer
	if err := NewImageFetcher(http.DefaultTransport, nil).GetTarball(t.Context(), img, &buf); err != nil {
		t.Fatal(err)
	}
	size, err := NewImageFetcher(http.DefaultTransport, nil).TarballSize(t.Context(), img)
	if err != nil || size != int64(buf.Len()) {
		t.Errorf("the size is %d, %v; want %d", size, err, buf.Len())
	}
	if err := WriteFile(file, buf.String()); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(img.FullName(false))
	if err != nil {
		t.Fatal(err)
	}
	got, err := tarball.ImageFromPath(file, &tag)
	if err != nil {
		t.Fatal(err)
	}
	wantID, _ := want.ConfigName()
	gotID, err := got.ConfigName()
	if err != nil || gotID != wantID {
		t.Errorf("image id = %v, %v, want %v", gotID, err, wantID)
	}
}

func TestGetTarballOfAPrivateImage(t *testing.T) {
	needAuth := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, pass, _ := r.BasicAuth(); user != "robot" || pass != "secret" {
				w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	host, _ := serveImages(t, needAuth, "cybozu/setup-hw-secret:1.0")
	img := ContainerImage{Name: "setup-hw", Repository: host + "/cybozu/setup-hw", Tag: "1.0", Private: true}

	t.Run("takes it from its private repository", func(t *testing.T) {
		auth := &authn.Basic{Username: "robot", Password: "secret"}
		var buf bytes.Buffer
		if err := NewImageFetcher(http.DefaultTransport, auth).GetTarball(t.Context(), img, &buf); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("says which image is refused, and no password", func(t *testing.T) {
		auth := &authn.Basic{Username: "robot", Password: "wrong-password"}
		err := NewImageFetcher(http.DefaultTransport, auth).GetTarball(t.Context(), img, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "setup-hw-secret:1.0") || strings.Contains(err.Error(), "wrong-password") {
			t.Errorf("GetTarball: %v", err)
		}
	})
}

func TestCredentialsAreNotShownToRegistriesThatDoNotNeedThem(t *testing.T) {
	var shown atomic.Bool
	watch := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				shown.Store(true)
			}
			h.ServeHTTP(w, r)
		})
	}
	host, _ := serveImages(t, watch, "cybozu-go/coil:2.0")
	img := ContainerImage{Name: "coil", Repository: host + "/cybozu-go/coil", Tag: "2.0"}
	auth := &authn.Basic{Username: "robot", Password: "secret"}
	if err := NewImageFetcher(http.DefaultTransport, auth).GetTarball(t.Context(), img, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if shown.Load() {
		t.Error("credentials were sent")
	}
}

func TestGetTarballEndsWithItsContext(t *testing.T) {
	host, _ := serveImages(t, plain, "cybozu/etcd:3.5")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	img := ContainerImage{Repository: host + "/cybozu/etcd", Tag: "3.5"}
	if err := NewImageFetcher(http.DefaultTransport, nil).GetTarball(ctx, img, &bytes.Buffer{}); err == nil {
		t.Error("an ended context is no error")
	}
}

func TestAPasswordIsNotSentToARealmElsewhere(t *testing.T) {
	var asked atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(true)
		io.WriteString(w, `{"token":"x"}`)
	}))
	defer elsewhere.Close()
	needToken := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		})
	}
	host, _ := serveImages(t, needToken, "cybozu/setup-hw-secret:1.0")
	img := ContainerImage{Name: "setup-hw", Repository: host + "/cybozu/setup-hw", Tag: "1.0", Private: true}
	auth := &authn.Basic{Username: "robot", Password: "hunter2"}
	err := NewImageFetcher(http.DefaultTransport, auth).GetTarball(t.Context(), img, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "asks for the password at http://localhost") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("GetTarball: %v", err)
	}
	if asked.Load() {
		t.Error("the realm was asked")
	}
}

func TestAnImageForAnotherPlatformIsNotFetched(t *testing.T) {
	host, img := serveImages(t, plain, "cybozu/etcd:3.5")
	for title, c := range map[string]struct {
		os, architecture string
		accepted         bool
	}{
		"this platform":         {"linux", runtime.GOARCH, true},
		"none stated":           {"", "", true},
		"another architecture":  {"linux", "s390x", false},
		"another system":        {"windows", runtime.GOARCH, false},
		"another, half of them": {"", "s390x", false},
	} {
		t.Run(title, func(t *testing.T) {
			config, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			config = config.DeepCopy()
			config.OS, config.Architecture = c.os, c.architecture
			foreign, err := mutate.ConfigFile(img, config)
			if err != nil {
				t.Fatal(err)
			}
			tag, err := name.NewTag(host + "/cybozu/etcd:foreign")
			if err != nil {
				t.Fatal(err)
			}
			if err := remote.Write(tag, foreign); err != nil {
				t.Fatal(err)
			}
			var buf bytes.Buffer
			err = NewImageFetcher(http.DefaultTransport, nil).GetTarball(t.Context(), ContainerImage{Repository: host + "/cybozu/etcd", Tag: "foreign"}, &buf)
			if (err == nil) != c.accepted {
				t.Errorf("GetTarball: %v", err)
			}
			if err != nil && (buf.Len() != 0 || !strings.Contains(err.Error(), "this server is linux/"+runtime.GOARCH)) {
				t.Errorf("GetTarball: %v, after %d bytes", err, buf.Len())
			}
		})
	}
}
