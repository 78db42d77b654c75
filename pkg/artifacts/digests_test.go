package artifacts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/pkg/artifacts"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
)

// aSet returns a small artifact set, a World that has it, and the digests there.
func aSet(t *testing.T) (neco.ArtifactSet, *artifactstest.World, release.Digests) {
	t.Helper()
	w := artifactstest.Of(t, fixed())
	set := neco.ArtifactSet{
		Images: []neco.ContainerImage{
			{Name: "one", Repository: "ghcr.io/cybozu-go/one", Tag: "1.0.0"},
			{Name: "two", Repository: "quay.io/cybozu/two", Tag: "2.0.0", Private: true},
		},
		Debs:    fixed().Debs,
		OSImage: neco.OSImage{Channel: "stable", Version: "1.2.3"},
	}
	kernel, initrd := set.OSImage.URLs()
	want := release.Digests{kernel: sha("\x00new kernel"), initrd: sha("\x00new initrd")}
	w.AddFile(kernel, "\x00new kernel")
	w.AddFile(initrd, "\x00new initrd")
	for _, full := range []string{"ghcr.io/cybozu-go/one:1.0.0", "quay.io/cybozu/two:2.0.0", "quay.io/cybozu/two-secret:2.0.0"} {
		want[full] = w.Push(t, full)
	}
	deb, err := os.ReadFile(w.PublishDeb(t, set.Debs[0], false))
	if err != nil {
		t.Fatal(err)
	}
	want[release.DigestKey(set.Debs[0])] = sha(string(deb))
	return set, w, want
}

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestDigestsAreThoseOfTheServers(t *testing.T) {
	set, w, want := aSet(t)
	f, log := finder(w)
	f.Account = host.NewAuth(artifactstest.User, artifactstest.Password)
	got, err := f.Digests(t.Context(), set, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || log.String() != "" {
		t.Errorf("log %s (-want +got):\n%s", log, diff)
	}
	text, err := artifacts.DigestsSource(set, got)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(text)
	for _, key := range []string{"ghcr.io/cybozu-go/one:1.0.0", "quay.io/cybozu/two:2.0.0", "quay.io/cybozu/two-secret:2.0.0", "etcdpasswd v1.4.0", "pxe.vmlinuz", "pxe_image.cpio.gz"} {
		_, after, found := strings.Cut(rest, key+`":`)
		if !found || !strings.HasPrefix(strings.TrimLeft(after, " "), `"`) {
			t.Fatalf("no row %s, or in another order:\n%s", key, text)
		}
		rest = after
	}
}

func TestWithoutAnAccountPrivateImagesHaveTheKnownDigest(t *testing.T) {
	set, w, want := aSet(t)
	secret := "quay.io/cybozu/two-secret:2.0.0"
	f, log := finder(w)
	known := release.Digests{secret: want[secret]}
	got, err := f.Digests(t.Context(), set, known)
	if err != nil || log.String() != "" {
		t.Fatalf("%v, log %s", err, log)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	got, err = f.Digests(t.Context(), set, nil)
	if err != nil || got[secret] != "" || !strings.Contains(log.String(), secret) {
		t.Errorf("unknown: %q, %v, log %s", got[secret], err, log)
	}
}

func TestKnownFilesAreNotDownloadedAgain(t *testing.T) {
	set, w, want := aSet(t)
	f, _ := finder(w)
	f.Account = host.NewAuth(artifactstest.User, artifactstest.Password)
	got, err := f.Digests(t.Context(), set, want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if all := append(w.Requests("release.flatcar-linux.net"), w.Requests("github.com")...); len(all) > 0 {
		t.Errorf("requests %v", all)
	}
}

func TestAMovedTagIsAnError(t *testing.T) {
	set, w, want := aSet(t)
	full := "ghcr.io/cybozu-go/one:1.0.0"
	now := w.Push(t, full)
	f, _ := finder(w)
	_, err := f.Digests(t.Context(), set, want)
	if !errors.Is(err, artifacts.ErrMoved) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{full, now, want[full]} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: does not name %s", err, part)
		}
	}
}

func TestAFileThatIsNoneHasNoDigest(t *testing.T) {
	set, w, _ := aSet(t)
	kernel, _ := set.OSImage.URLs()
	f, _ := finder(w)
	for title, content := range map[string]string{"a page": "<html>Please log in</html>", "nothing": ""} {
		w.AddFile(kernel, content)
		if got, err := f.Digests(t.Context(), set, nil); err == nil || !strings.Contains(err.Error(), kernel) {
			t.Errorf("%s: %v, %v", title, got[kernel], err)
		}
	}
}

func TestAReleaseThatDoesNotExistHasNoDigest(t *testing.T) {
	set, w, _ := aSet(t)
	d := set.Debs[0]
	d.Release = "v1.4.1"
	set.Debs = []neco.DebianPackage{d}
	f, _ := finder(w)
	if _, err := f.Digests(t.Context(), set, nil); err == nil || !strings.Contains(err.Error(), "etcdpasswd v1.4.1") {
		t.Errorf("got %v", err)
	}
}
