package main

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v45/github"
)

// tags returns the tags of all releases, with those of pre-releases in parentheses.
func (w *world) tags(t *testing.T) []string {
	t.Helper()
	releases, _, err := github.NewClient(w.client).Repositories.ListReleases(t.Context(), "cybozu-go", "neco", nil)
	if err != nil {
		t.Fatal(err)
	}
	tags := []string{}
	for _, r := range releases {
		tag := r.GetTagName()
		if r.GetPrerelease() {
			tag = "(" + tag + ")"
		}
		tags = append(tags, tag)
	}
	return tags
}

// await blocks until the release server has exactly these tags.
func (w *world) await(t *testing.T, want ...string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for diff := "?"; diff != ""; {
		if time.Now().After(deadline) {
			t.Fatal(diff)
		}
		if diff = cmp.Diff(want, w.tags(t)); diff != "" {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestAReleaseIsWhatLiesInTheDirectory(t *testing.T) {
	w := start(t)
	if diff := cmp.Diff([]string{}, w.tags(t)); diff != "" {
		t.Error(diff)
	}
	first := filepath.Join(w.opts.Releases, "neco_2024.01.02-1_amd64.deb")
	write(t, first, "package")
	write(t, first+".sha256", "sum")
	w.await(t, "release-2024.01.02-1")
	const download = "https://github.com/cybozu-go/neco/releases/download/release-2024.01.02-1/neco_2024.01.02-1_amd64.deb"
	for address, want := range map[string]string{download: "package", download + ".sha256": "sum"} {
		if status, body := w.get(t, address); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", address, status, body)
		}
	}
	second := filepath.Join(w.opts.Releases, "neco_2024.01.02-2_amd64.deb")
	write(t, second+".prerelease", "")
	write(t, second, "package")
	write(t, second+".sha256", "sum")
	w.await(t, "(release-2024.01.02-2)", "release-2024.01.02-1")
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	w.await(t, "(release-2024.01.02-2)")
}

func TestAPackageWithoutItsDigestIsNoRelease(t *testing.T) {
	dir := t.TempDir()
	s := newPublisher(dir, slog.New(slog.DiscardHandler))
	deb := write(t, filepath.Join(dir, "neco_2024.01.02-1_amd64.deb"), "package")
	if err := s.sync(); err != nil || len(s.seen) != 0 {
		t.Fatalf("published %v, %v", s.seen, err)
	}
	write(t, deb+".sha256", "sum")
	if err := s.sync(); err != nil || len(s.seen) != 1 {
		t.Fatalf("published %v, %v", s.seen, err)
	}
}

func TestAReplacedPackageIsPublishedAgain(t *testing.T) {
	dir := t.TempDir()
	s := newPublisher(dir, slog.New(slog.DiscardHandler))
	deb := write(t, filepath.Join(dir, "neco_2024.01.02-1_amd64.deb"), "package")
	write(t, deb+".sha256", "sum")
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	before := s.seen
	write(t, deb, "another package")
	if err := s.sync(); err != nil {
		t.Fatal(err)
	}
	for v, o := range s.seen {
		if o.deb.size != int64(len("another package")) {
			t.Errorf("%s: still %v of %v", v, o, before)
		}
	}
}
