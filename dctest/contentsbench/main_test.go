package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestItMeasuresASmallUpload runs the program without the race detector, which needs
// several times the memory.
func TestItMeasuresASmallUpload(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "contentsbench")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cache := t.TempDir()
	for range 2 { // the second time with the images in the cache
		out, err := exec.CommandContext(t.Context(), binary, "-size=20", "-rounds=2", "-cache="+cache).CombinedOutput()
		if err != nil || !regexp.MustCompile(`(?m)^ratio: median \d+\.\d\d, `).Match(out) {
			t.Fatalf("%v: %s", err, out)
		}
		t.Logf("%s", out)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 1 || !strings.HasPrefix(left[0].Name(), "images-") {
		t.Errorf("the cache has %v, %v; want only the images", left, err)
	}
}

func TestAResultThatBreaksAConditionFails(t *testing.T) {
	const total = 1000 * mib
	good := round{
		neco: measured{time.Second, time.Second, total, total}, crane: measured{time.Second, time.Second, total, total}, peak: maxPeak,
	}
	for title, tt := range map[string]struct {
		change func(r *round)
		want   string
	}{
		"all hold":              {func(*round) {}, ""},
		"slower, but tolerated": {func(r *round) { r.neco.took = 10 * time.Second }, ""},
		"much slower":           {func(r *round) { r.neco.took = 12 * time.Second }, "the rate is 0.08"},
		"more memory":           {func(r *round) { r.peak++ }, "MiB, more than 100"},
		"downloads twice":       {func(r *round) { r.neco.downloaded *= 2 }, "downloaded"},
		"downloads too little":  {func(r *round) { r.neco.downloaded = 0 }, "downloaded 0 bytes"},
		"uploads too little":    {func(r *round) { r.neco.uploaded-- }, "sabakan received"},
		"downloads again":       {func(r *round) { r.again.downloaded = 1 }, "second upload downloaded 1 bytes"},
		"uploads again":         {func(r *round) { r.again.uploaded = 1 }, "and sent 1"},
	} {
		t.Run(title, func(t *testing.T) {
			r := good
			tt.change(&r)
			err := judge(total, []round{r})
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// TestCraneHasTheVersionOfTheLibrary checks that crane and neco-worker use the same version
// of the library.
func TestCraneHasTheVersionOfTheLibrary(t *testing.T) {
	version := func(modfile string) string {
		t.Helper()
		dir, err := repository()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-modfile="+modfile, "-m", "-f={{.Version}}", "github.com/google/go-containerregistry")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if ours, cranes := version("go.mod"), version("tools/go.mod"); ours != cranes {
		t.Errorf("go.mod has %s, tools/go.mod has %s; go get -modfile=tools/go.mod github.com/google/go-containerregistry@%s", ours, cranes, ours)
	}
}
