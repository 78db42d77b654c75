package main

import (
	"errors"
	"fmt"
	"io"
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
		out, err := exec.CommandContext(t.Context(), binary, fmt.Sprintf("-size=%d", minMiB), "-rounds=2", "-cache="+cache).CombinedOutput()
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
	const most = total + total/100
	rounds := func(neco time.Duration) []round {
		return []round{{neco: measured{took: neco}, crane: measured{took: time.Second}}}
	}
	for title, tt := range map[string]struct {
		err  error
		want string // part of the error; empty: none
	}{
		"each blob once":                    {once(measured{downloaded: total, uploaded: total}, total), ""},
		"with headers":                      {once(measured{downloaded: most, uploaded: most}, total), ""},
		"a byte too few from the registry":  {once(measured{downloaded: total - 1, uploaded: total}, total), "the registry sent 1048575999 bytes, want 1048576000 to 1059061760"},
		"a byte too many from the registry": {once(measured{downloaded: most + 1, uploaded: total}, total), "the registry sent 1059061761 bytes"},
		"a byte too few to sabakan":         {once(measured{downloaded: total, uploaded: total - 1}, total), "sabakan received 1048575999 bytes"},
		"a byte too many to sabakan":        {once(measured{downloaded: total, uploaded: most + 1}, total), "sabakan received 1059061761 bytes"},
		"nothing at all":                    {once(measured{}, total), "the registry sent 0 bytes"},
		"nothing again":                     {nothing(measured{took: time.Second}), ""},
		"downloads again":                   {nothing(measured{downloaded: 1}), "the registry sent 1 bytes"},
		"uploads again":                     {nothing(measured{uploaded: 1}), "sabakan received 1,"},
		"100 MiB of memory":                 {small(maxPeak), ""},
		"more memory":                       {small(maxPeak + mib), "101.0 MiB, more than 100"},
		"below the aim, but tolerated":      {fast(rounds(10 * time.Second)), ""},
		"ten times slower than the aim":     {fast(rounds(12 * time.Second)), "the rate is 0.08"},
	} {
		if (tt.err != nil) != (tt.want != "") || tt.err != nil && !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", title, tt.err, tt.want)
		}
	}
}

func TestAWayIsNotMeasuredAfterOneThatFailed(t *testing.T) {
	failure := errors.New("it fails")
	second := func() error {
		t.Error("the second way is measured")
		return nil
	}
	if err := inOrder(func() error { return failure }, second); err != failure {
		t.Errorf("error %v", err)
	}
}

func TestTheReportSaysWhetherTheAimIsReached(t *testing.T) {
	for took, want := range map[time.Duration]string{
		time.Second: "median 1.00, from 1.00 to 1.00; the aim of 0.9 is reached\n",
		2e9:         "median 0.50, from 0.50 to 0.50; the aim of 0.9 is not reached\n",
	} {
		var out strings.Builder
		printRounds(&out, mib, []round{{neco: measured{took: took}, crane: measured{took: time.Second}, again: measured{took: time.Second}}})
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s, want the end %s", out.String(), want)
		}
	}
}

func TestASizeWhoseHeadersExceedTheToleranceIsRefused(t *testing.T) {
	for _, o := range []options{{mib: minMiB - 1, rounds: 1, atATime: 1}, {mib: minMiB, atATime: 1}, {mib: minMiB, rounds: 1}} {
		if err := run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "-size must be at least 10, -rounds and -at-a-time at least 1") {
			t.Errorf("%+v: error %v", o, err)
		}
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
