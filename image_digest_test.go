package neco

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// hexOf returns the SHA-256 of the manifest of img.
func hexOf(t *testing.T, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.Hex
}

// moveTag gives the tag ref to another image, which it returns.
func moveTag(t *testing.T, ref string) v1.Image {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	other, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, other); err != nil {
		t.Fatal(err)
	}
	return other
}

// fetched returns the configuration digest of the image that f fetches for img. The image
// must have the tag of img in the tarball.
func fetched(t *testing.T, f ImageFetcher, img ContainerImage) (v1.Hash, error) {
	t.Helper()
	var b bytes.Buffer
	if err := f.GetTarball(t.Context(), img, &b); err != nil {
		return v1.Hash{}, err
	}
	file := tempFile(t, "")
	if err := WriteFile(file, b.String()); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(img.FullName(false))
	if err != nil {
		t.Fatal(err)
	}
	got, err := tarball.ImageFromPath(file, &tag)
	if err != nil {
		t.Fatalf("the tarball has no image %s: %v", tag, err)
	}
	id, err := got.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return id, nil
}

func TestAnImageWithADigestIsFetchedByIt(t *testing.T) {
	host, first := serveImages(t, plain, "cybozu/etcd:3.5")
	img := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	second := moveTag(t, img.FullName(false))
	bare := NewImageFetcher(http.DefaultTransport, nil)
	for title, c := range map[string]struct {
		digests map[string]string
		want    v1.Image
	}{
		"the image of the digest":   {map[string]string{img.FullName(false): hexOf(t, first)}, first},
		"no digest":                 {nil, second},
		"a digest of another tag":   {map[string]string{img.Repository + ":3.6": hexOf(t, first)}, second},
		"a digest of another image": {map[string]string{host + "/cybozu/vault:3.5": hexOf(t, first)}, second},
	} {
		t.Run(title, func(t *testing.T) {
			got, err := fetched(t, bare.WithDigests(c.digests), img)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := c.want.ConfigName(); got != want || err != nil {
				t.Errorf("the image is %s, %v; want %s", got, err, want)
			}
		})
	}
}

func TestARegistryWithAnotherDigestIsRefused(t *testing.T) {
	host, img := serveImages(t, plain, "cybozu/etcd:3.5")
	etcd := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	required := strings.Repeat("a", 64)
	f := NewImageFetcher(http.DefaultTransport, nil).WithDigests(map[string]string{etcd.FullName(false): required})
	_, err := fetched(t, f, etcd)
	if !errors.Is(err, ErrImageDigest) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{etcd.FullName(false), "sha256:" + required, "sha256:" + hexOf(t, img)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not name %s", err, want)
		}
	}

	absent := ContainerImage{Repository: host + "/cybozu/etcd", Tag: "3.6"}
	f = f.WithDigests(map[string]string{absent.FullName(false): required})
	if _, err := fetched(t, f, absent); err == nil || errors.Is(err, ErrImageDigest) {
		t.Errorf("a missing tag is not another digest: %v", err)
	}
}

func TestAManifestThatIsNotTheOneOfTheDigestIsRefused(t *testing.T) {
	forge := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if before, _, ok := strings.Cut(r.URL.Path, "/manifests/sha256:"); ok {
				r.URL.Path = before + "/manifests/3.5"
			}
			h.ServeHTTP(w, r)
		})
	}
	host, img := serveImages(t, forge, "cybozu/etcd:3.5")
	etcd := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	required := strings.Repeat("a", 64)
	f := NewImageFetcher(http.DefaultTransport, nil).WithDigests(map[string]string{etcd.FullName(false): required})
	_, err := fetched(t, f, etcd)
	if err == nil {
		t.Fatal("the image is accepted")
	}
	for _, want := range []string{etcd.FullName(false), required, hexOf(t, img)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not name %s", err, want)
		}
	}
}

func TestDigestIsThatOfTheManifest(t *testing.T) {
	host, img := serveImages(t, plain, "cybozu/etcd:3.5")
	etcd := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	got, err := NewImageFetcher(http.DefaultTransport, nil).Digest(t.Context(), etcd)
	if want := hexOf(t, img); got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestAPageIsNoManifest(t *testing.T) {
	page := func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Please log in</html>")
		})
	}
	host, _ := serveImages(t, page, "cybozu/etcd:3.5")
	etcd := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}
	got, err := NewImageFetcher(http.DefaultTransport, nil).Digest(t.Context(), etcd)
	if err == nil || !strings.Contains(err.Error(), "text/html") || !strings.Contains(err.Error(), etcd.FullName(false)) {
		t.Errorf("got %q, %v", got, err)
	}
}
