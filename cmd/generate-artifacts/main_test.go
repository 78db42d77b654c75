package main

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/dctest/nexttag"
)

const ignoreFile = "../../artifacts_ignore.yaml"

// generate runs the command with args, with the account for private images in its environment,
// and without known digests, because the images of w have others. It runs in a bubble of synctest, where the pauses between attempts take no
// time.
func generate(t *testing.T, w *artifactstest.World, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { stdout, stderr, err = execute(t, w, args) })
	return stdout, stderr, err
}

func execute(t *testing.T, w *artifactstest.World, args []string) (stdout, stderr string, err error) {
	t.Helper()
	env := map[string]string{"QUAY_USER": artifactstest.User, "QUAY_PASSWORD": artifactstest.Password}
	cmd := newCommand(w, func(name string) string { return env[name] }, nil)
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestStandardOutputIsTheFile(t *testing.T) {
	stdout, stderr, err := generate(t, artifactstest.New(t), "--ignore-file", ignoreFile)
	if err != nil || stderr != "" {
		t.Fatalf("%v, %s", err, stderr)
	}
	if diff := cmp.Diff(readFile(t, "../../artifacts.go"), stdout); diff != "" {
		t.Errorf("(-file +generated):\n%s", diff)
	}
}

func TestBothFilesAreReplaced(t *testing.T) {
	w := artifactstest.New(t)
	for _, img := range neco.CurrentArtifacts.Images {
		if img.Private {
			w.Push(t, img.FullName(true))
		}
	}
	coil, err := neco.CurrentArtifacts.FindContainerImage("coil")
	if err != nil {
		t.Fatal(err)
	}
	old, next := coil.FullName(false), coil.Repository+":"+nexttag.Of(coil.Tag)
	digest := w.Push(t, next)
	w.Push(t, coil.Repository+":"+nexttag.Major(coil.Tag))
	dir := t.TempDir()
	output, digests := filepath.Join(dir, "artifacts.go"), filepath.Join(dir, "artifacts_digests.go")
	if err := os.WriteFile(output, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, err := generate(t, w, "--ignore-file", "", "--release", "-o", output, "--digests", digests)
	if err != nil || stdout != "" || stderr != "" {
		t.Fatalf("%v, %s, %s", err, stdout, stderr)
	}
	want := nexttag.Image(readFile(t, "../../artifacts.go"), "coil", nexttag.Of)
	if diff := cmp.Diff(want, readFile(t, output)); diff != "" {
		t.Errorf("artifacts (-want +got):\n%s", diff)
	}
	table := readFile(t, digests)
	if !strings.Contains(table, digest) || !strings.Contains(table, `"`+next+`"`) || strings.Contains(table, `"`+old+`"`) {
		t.Errorf("the table is not that of the new set:\n%s", table)
	}
	if got, want := strings.Count(table, `",`), 15+1+2; got != want { // images, package, files
		t.Errorf("%d digests, want %d:\n%s", got, want, table)
	}
}

func TestNothingIsWrittenIfSomethingFails(t *testing.T) {
	for title, c := range map[string]struct {
		fail func(w *artifactstest.World)
		args []string
		want string
	}{
		"a registry":      {func(w *artifactstest.World) { w.Replace("quay.io", http.NotFoundHandler()) }, nil, "quay.io/cybozu/etcd"},
		"the feed":        {func(w *artifactstest.World) { w.Replace(artifactstest.FeedHost, http.NotFoundHandler()) }, nil, artifactstest.FeedHost},
		"the last file":   {func(w *artifactstest.World) { w.Replace("stable.release.flatcar-linux.net", http.NotFoundHandler()) }, nil, "pxe.vmlinuz"},
		"the ignore file": {func(*artifactstest.World) {}, []string{"--ignore-file", "absent.yaml"}, "absent.yaml"},
		"an argument":     {func(*artifactstest.World) {}, []string{"more"}, "more"},
		"an unknown flag": {func(*artifactstest.World) {}, []string{"--pre-release"}, "--pre-release"},
		"the private one": {func(*artifactstest.World) {}, nil, "setup-hw-secret"},
	} {
		t.Run(title, func(t *testing.T) {
			w := artifactstest.New(t)
			c.fail(w)
			dir := t.TempDir()
			output, digests := filepath.Join(dir, "artifacts.go"), filepath.Join(dir, "artifacts_digests.go")
			if err := os.WriteFile(output, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"--ignore-file", ignoreFile, "-o", output, "--digests", digests}, c.args...)
			stdout, _, err := generate(t, w, args...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if stdout != "" || readFile(t, output) != "old" {
				t.Errorf("standard output %q, file %q", stdout, readFile(t, output))
			}
			if _, err := os.Stat(digests); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the table was written: %v", err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func TestStandardOutputStaysEmptyIfSomethingFails(t *testing.T) {
	w := artifactstest.New(t)
	w.Replace("ghcr.io", http.NotFoundHandler())
	if stdout, _, err := generate(t, w, "--ignore-file", ignoreFile); err == nil || stdout != "" {
		t.Errorf("%v, %q", err, stdout)
	}
}
