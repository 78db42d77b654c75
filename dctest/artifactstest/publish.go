package artifactstest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

// direct is an http.RoundTripper that passes requests to a handler.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) { return respond(d.handler, r), nil }

// Push gives the full name of an image to a new image, and returns the SHA-256 of its
// manifest.
func (w *World) Push(t testing.TB, full string) string {
	t.Helper()
	tag, err := name.NewTag(full)
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img, remote.WithTransport(direct{w.registry})); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.Hex
}

// Publish publishes a release of the GitHub repository owner/repository.
func (w *World) Publish(t testing.TB, owner, repository string, r releaseserver.Release) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	full := owner + "/" + repository
	if w.releases[full] == nil {
		w.releases[full] = releaseserver.New(releaseserver.Options{Owner: owner, Name: repository, Limit: -1, TokenLimit: -1})
	}
	if err := w.releases[full].Publish(r); err != nil {
		t.Fatal(err)
	}
}

// PublishDeb publishes a release of d with an empty package, and returns the file of the
// package.
func (w *World) PublishDeb(t testing.TB, d neco.DebianPackage, prerelease bool) string {
	t.Helper()
	file := BuildDeb(t, d.Name, strings.TrimPrefix(d.Release, "v"))
	assets := map[string]string{filepath.Base(file): file}
	w.Publish(t, d.Owner, d.Repository, releaseserver.Release{Tag: d.Release, Prerelease: prerelease, Assets: assets})
	return file
}

// BuildDeb builds an empty Debian package and returns its file, which has the usual name.
func BuildDeb(t testing.TB, name, version string) string {
	t.Helper()
	tree := t.TempDir()
	meta := filepath.Join(tree, "DEBIAN")
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.com>\nDescription: an empty package\n", name, version)
	if err := os.MkdirAll(meta, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{tree, meta} { // dpkg-deb requires it whatever the umask is
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(meta, "control"), []byte(control), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), fmt.Sprintf("%s_%s_amd64.deb", name, version))
	out, err := exec.CommandContext(t.Context(), "dpkg-deb", "-Zgzip", "--root-owner-group", "--build", tree, file).CombinedOutput()
	if err != nil {
		t.Fatalf("dpkg-deb, of the Debian package dpkg: %v: %s", err, out)
	}
	return file
}
