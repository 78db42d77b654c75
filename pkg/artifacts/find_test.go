package artifacts_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/pkg/artifacts"
	"github.com/cybozu-go/neco/pkg/release"
)

// finder returns a Finder for the servers of w, and its log.
func finder(w *artifactstest.World) (artifacts.Finder, *strings.Builder) {
	log := &strings.Builder{}
	return artifacts.Finder{Transport: w, Log: slog.New(slog.NewTextHandler(log, nil))}, log
}

// setOf returns an artifact set of two images, a package and an operating system in these
// versions.
func setOf(coil, bird, etcdpasswd, os string) neco.ArtifactSet {
	return neco.ArtifactSet{
		Images: []neco.ContainerImage{
			{Name: "coil", Repository: "ghcr.io/cybozu-go/coil", Tag: coil},
			{Name: "bird", Repository: "quay.io/cybozu/bird", Tag: bird},
		},
		Debs:    []neco.DebianPackage{{Name: "etcdpasswd", Owner: "cybozu-go", Repository: "etcdpasswd", Release: etcdpasswd}},
		OSImage: neco.OSImage{Channel: "stable", Version: os},
	}
}

// fixed returns a set whose versions do not follow those of artifacts.go.
func fixed() neco.ArtifactSet { return setOf("2.0.14", "2.0.9.1", "v1.4.0", "3139.2.1") }

// ignored returns the versions that text lists.
func ignored(t *testing.T, text string) artifacts.Ignored {
	t.Helper()
	got, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func load(t *testing.T, text string) (artifacts.Ignored, error) {
	t.Helper()
	file := t.TempDir() + "/ignore.yaml"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return artifacts.LoadIgnored(file, fixed())
}

// source returns artifacts.go as f generates it.
func source(t *testing.T, f artifacts.Finder) string {
	t.Helper()
	set, err := f.Newest(t.Context(), neco.CurrentArtifacts)
	if err != nil {
		t.Fatal(err)
	}
	text, err := artifacts.Source(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheFileStaysTheSameIfNothingIsNewer(t *testing.T) {
	w := artifactstest.New(t)
	for _, f := range []artifacts.Finder{{Transport: w}, {Transport: w, Release: true}} {
		if diff := cmp.Diff(readFile(t, "../../artifacts.go"), source(t, f)); diff != "" {
			t.Errorf("release %t (-file +generated):\n%s", f.Release, diff)
		}
	}
}

// withNews returns a World with newer versions of all artifacts in fixed.
func withNews(t *testing.T) *artifactstest.World {
	t.Helper()
	w := artifactstest.Of(t, fixed())
	for _, tag := range []string{"2.0.15", "2.0.16-rc.1", "2.0.9", "3.0.0", "2.1", "latest"} {
		w.Push(t, "ghcr.io/cybozu-go/coil:"+tag)
	}
	for _, tag := range []string{"2.0.9.10", "2.0.9.9"} {
		w.Push(t, "quay.io/cybozu/bird:"+tag)
	}
	d := fixed().Debs[0]
	for _, tag := range []string{"v1.4.2", "v1.5.0-rc.1", "v2.0.0"} {
		d.Release = tag
		w.PublishDeb(t, d, strings.Contains(tag, "-"))
	}
	amd64, stable := []string{"amd64", "arm64"}, "stable"
	w.AddOS("3227.2.0", map[string]any{"channel": stable, "architectures": amd64})
	w.AddOS("3227.1.0", map[string]any{})
	w.AddOS("3300.0.0", map[string]any{"channel": stable, "architectures": []string{"arm64"}})
	w.AddOS("3400.0.0", map[string]any{"channel": "beta", "architectures": amd64})
	return w
}

func TestTheNewestVersionsAreFound(t *testing.T) {
	w := withNews(t)
	for title, c := range map[string]struct {
		release bool
		ignored string
		want    neco.ArtifactSet
	}{
		"all":                            {false, "", setOf("3.0.0", "2.0.9.10", "v2.0.0", "3227.2.0")},
		"releases of this major version": {true, "", setOf("2.0.15", "2.0.9.10", "v1.4.2", "3227.2.0")},
		"without the ignored ones": {false, `
images:
- repository: ghcr.io/cybozu-go/coil
  versions: [3.0.0]
- repository: quay.io/cybozu/bird
  versions: ["2.0.9.10"]
debs:
- name: etcdpasswd
  versions: [v2.0.0]
osImage:
- channel: stable
  versions: [3227.2.0]
`, setOf("2.0.16-rc.1", "2.0.9.9", "v1.5.0-rc.1", "3227.1.0")},
	} {
		t.Run(title, func(t *testing.T) {
			f, _ := finder(w)
			f.Release, f.Ignored = c.release, ignored(t, c.ignored)
			for range 2 { // the second answer is the same
				got, err := f.Newest(t.Context(), fixed())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestAnImageThatIsHeldKeepsItsTag(t *testing.T) {
	for title, c := range map[string]struct {
		world  *artifactstest.World
		want   neco.ArtifactSet
		logged string
	}{
		"newer":         {withNews(t), setOf("2.0.14", "2.0.9.10", "v2.0.0", "3227.2.0"), "image=ghcr.io/cybozu-go/coil tag=2.0.14 newest=3.0.0\n"},
		"nothing newer": {artifactstest.Of(t, fixed()), fixed(), ""},
	} {
		f, log := finder(c.world)
		f.Ignored = ignored(t, "images: [{repository: ghcr.io/cybozu-go/coil, hold: true}]")
		got, err := f.Newest(t.Context(), fixed())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", title, diff)
		}
		if lines := strings.Count(log.String(), "\n"); !strings.HasSuffix(log.String(), c.logged) || lines != strings.Count(c.logged, "\n") {
			t.Errorf("%s: the log is %q, want one with %q", title, log, c.logged)
		}
	}
}

func TestNothingGoesBackwards(t *testing.T) {
	f, _ := finder(artifactstest.Of(t, fixed()))
	_, err := f.Newest(t.Context(), setOf("2.0.15", "2.0.9.1", "v1.4.1", "9999.0.0"))
	if !errors.Is(err, artifacts.ErrBackwards) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{"ghcr.io/cybozu-go/coil: the newest version that counts is 2.0.14", "cybozu-go/etcdpasswd: the newest version that counts is v1.4.0", "releases-stable.json: the newest version that counts is 3139.2.1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}

	f.Ignored = ignored(t, "images: [{repository: ghcr.io/cybozu-go/coil, versions: [2.0.15]}]")
	got, err := f.Newest(t.Context(), setOf("2.0.15", "2.0.9.1", "v1.4.0", "3139.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fixed(), got); diff != "" {
		t.Errorf("the current version is ignored (-want +got):\n%s", diff)
	}
}

func TestAnIgnoreFileIsRefused(t *testing.T) {
	for title, c := range map[string]struct{ text, want string }{
		"an unknown field":          {"image: []", "line 1: unknown field image; the fields are images (with repository, versions, hold), debs (with name, versions), osImage (with channel, versions)"},
		"an unknown field of a row": {"images:\n- repositry: quay.io/cybozu/etcd\n  versions: [3.5.4.1]", "line 2: unknown field repositry; the fields are images (with repository, versions, hold), "},
		"a field with other case":   {"osimage: []", "osimage"},
		"an unknown repository":     {"images: [{repository: quay.io/cybozu/ectd}]", "quay.io/cybozu/ectd"},
		"an unknown package":        {"debs: [{name: etcdpaswd}]", "etcdpaswd"},
		"another channel":           {"osImage: [{channel: beta}]", "beta"},
		"an image without versions": {"images: [{repository: quay.io/cybozu/bird, versions: []}]", "images: the entry of quay.io/cybozu/bird has neither versions nor hold"},
		"a package without them":    {"debs: [{name: etcdpasswd}]", "debs: the entry of etcdpasswd has no versions"},
		"a channel without them":    {"osImage: [{channel: stable}]", "osImage: the entry of stable has no versions"},
		"no YAML":                   {"images: [", "yaml"},
		"two documents":             {"images: []\n---\ndebs: []", "more than one"},
		"a version that is a list":  {"debs: [{name: etcdpasswd, versions: [[v1]]}]", "line 1"},
	} {
		t.Run(title, func(t *testing.T) {
			_, err := load(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "ignore.yaml") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheIgnoreFileKeepsTheTextOfAVersion(t *testing.T) {
	got := ignored(t, "debs: [{name: etcdpasswd, versions: [1.10, v1.4.0]}]")
	if diff := cmp.Diff([]string{"1.10", "v1.4.0"}, got.Debs[0].Versions); diff != "" {
		t.Error(diff)
	}
}

// TestTheImagesInManifestsAreHeld checks that the ignore file of the repository holds exactly the
// images whose tags are in manifests, which `make artifacts` does not change.
func TestTheImagesInManifestsAreHeld(t *testing.T) {
	got, err := artifacts.LoadIgnored("../../artifacts_ignore.yaml", neco.CurrentArtifacts)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../etc/*.y*ml")
	if err != nil {
		t.Fatal(err)
	}
	var manifests string
	for _, file := range files {
		manifests += readFile(t, file)
	}
	var want, held []string
	for _, img := range neco.CurrentArtifacts.Images {
		if strings.Contains(manifests, " image: "+img.Repository+":") {
			want = append(want, img.Repository)
		}
	}
	for _, e := range got.Images {
		if e.Hold {
			held = append(held, e.Repository)
		}
	}
	slices.Sort(want)
	slices.Sort(held)
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("(-in manifests +held):\n%s", diff)
	}
}

func TestTheTableOfDigestsIsGenerated(t *testing.T) {
	for file, digests := range map[string]release.Digests{
		"../../artifacts_digests.go":  release.ArtifactDigests(),
		"../../dctest/no-digests.txt": nil,
	} {
		got, err := artifacts.DigestsSource(neco.CurrentArtifacts, digests)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(readFile(t, file), string(got)); diff != "" {
			t.Errorf("%s (-file +generated):\n%s", file, diff)
		}
	}
}
