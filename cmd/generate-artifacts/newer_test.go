package main

import (
	"cmp"
	"flag"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/pkg/artifacts"
)

// into is for tools/test-newer.
var into = flag.String("into", "", "directory to which TestEveryArtifactIsRaised writes its two files")

// newer returns set with the next version of each artifact.
func newer(set neco.ArtifactSet) neco.ArtifactSet {
	next := neco.ArtifactSet{Images: slices.Clone(set.Images), Debs: slices.Clone(set.Debs), OSImage: set.OSImage}
	for i := range next.Images {
		next.Images[i].Tag = nexttag.Of(next.Images[i].Tag)
	}
	for i := range next.Debs {
		next.Debs[i].Release = nexttag.Of(next.Debs[i].Release)
	}
	next.OSImage.Version = nexttag.Of(next.OSImage.Version)
	return next
}

// offer returns a World with the current set and the set next.
func offer(t *testing.T, next neco.ArtifactSet) *artifactstest.World {
	t.Helper()
	w := artifactstest.New(t)
	for _, img := range slices.Concat(neco.CurrentArtifacts.Images, next.Images) {
		w.Push(t, img.FullName(false))
		if img.Private {
			w.Push(t, img.FullName(true))
		}
	}
	for _, d := range next.Debs {
		w.PublishDeb(t, d, false)
	}
	w.AddOS(next.OSImage.Version, map[string]any{})
	kernel, initrd := next.OSImage.URLs()
	w.AddFile(kernel, "\x00kernel")
	w.AddFile(initrd, "\x00initrd")
	return w
}

// TestEveryArtifactIsRaised checks that, if each project has a newer version, the command writes
// the newer versions, but of the images that the ignore file of the repository holds.
func TestEveryArtifactIsRaised(t *testing.T) {
	want := newer(neco.CurrentArtifacts)
	w := offer(t, want)
	ignored, err := artifacts.LoadIgnored(ignoreFile, neco.CurrentArtifacts)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ignored.Images {
		for i, img := range neco.CurrentArtifacts.Images {
			if e.Hold && img.Repository == e.Repository {
				want.Images[i] = img
			}
		}
	}
	text, err := artifacts.Source(want)
	if err != nil {
		t.Fatal(err)
	}
	dir := cmp.Or(*into, t.TempDir())
	output := filepath.Join(dir, "artifacts.go")
	_, stderr, err := generate(t, w, "--ignore-file", ignoreFile, "--release", "-o", output, "--digests", filepath.Join(dir, "artifacts_digests.go"))
	if err != nil {
		t.Fatalf("%v, %s", err, stderr)
	}
	if diff := gocmp.Diff(string(text), readFile(t, output)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
