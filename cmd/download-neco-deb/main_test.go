package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/artifactstest"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

const version = "2022.05.25-1"

// download runs the command with args.
func download(t *testing.T, w *artifactstest.World, args ...string) (stdout []byte, err error) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	cmd := newCommand(w, func(string) string { return "" })
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	if left, globErr := filepath.Glob(os.TempDir() + "/neco-*"); globErr != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, globErr)
	}
	return out.Bytes(), err
}

// publish publishes a pre-release with the package deb, under the name of the version, and
// with the digest file sum. It leaves out an empty file.
func publish(t *testing.T, w *artifactstest.World, deb, sum string) {
	t.Helper()
	name := "neco_" + version + "_amd64.deb"
	assets := map[string]string{}
	if deb != "" {
		assets[name] = deb
	}
	if sum != "" {
		assets[name+".sha256"] = filepath.Join(t.TempDir(), "sum")
		if err := os.WriteFile(assets[name+".sha256"], []byte(sum), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.Publish(t, neco.GitHubRepoOwner, neco.GitHubRepoName, releaseserver.Release{Tag: "release-" + version, Prerelease: true, Assets: assets})
}

// sumOf returns the line of sha256sum for the package in file.
func sumOf(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x  neco_%s_amd64.deb\n", sha256.Sum256(data), version)
}

func TestThePackageIsWritten(t *testing.T) {
	w := artifactstest.New(t)
	deb := artifactstest.BuildDeb(t, "neco", version)
	publish(t, w, deb, sumOf(t, deb))
	want, err := os.ReadFile(deb)
	if err != nil {
		t.Fatal(err)
	}
	got, err := download(t, w, "staging")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	if got, err := download(t, w, "production"); err == nil || len(got) > 0 {
		t.Errorf("production does not follow a pre-release: %d bytes, %v", len(got), err)
	}
}

func TestNothingIsWrittenIfTheCheckFails(t *testing.T) {
	good := artifactstest.BuildDeb(t, "neco", version)
	other := artifactstest.BuildDeb(t, "neco", "2022.05.24-1")
	for title, c := range map[string]struct{ deb, sum, want string }{
		"no package":                 {"", sumOf(t, good), "no asset neco_" + version},
		"no digest":                  {good, "", "no asset neco_" + version + "_amd64.deb.sha256"},
		"a page as the digest":       {good, "<html>", "malformed digest file"},
		"the digest of another file": {good, sumOf(t, other), "digest mismatch"},
		"the package of another":     {other, sumOf(t, other), "2022.05.24-1"},
	} {
		t.Run(title, func(t *testing.T) {
			w := artifactstest.New(t)
			publish(t, w, c.deb, c.sum)
			got, err := download(t, w, "staging")
			if len(got) > 0 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d bytes, %v; want %q", len(got), err, c.want)
			}
		})
	}
}

func TestArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{nil, {"prod"}, {"staging", "production"}} {
		got, err := download(t, artifactstest.New(t), args...)
		if len(got) > 0 || err == nil || !strings.Contains(err.Error(), "staging or production") {
			t.Errorf("%q: %d bytes, %v", args, len(got), err)
		}
	}
}

func TestATerminalGetsNoPackage(t *testing.T) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	w := artifactstest.New(t)
	cmd := newCommand(w, func(string) string { return "" })
	cmd.SetOut(terminal)
	cmd.SetArgs([]string{"staging"})
	if err := cmd.ExecuteContext(t.Context()); !errors.Is(err, errTerminal) {
		t.Errorf("got %v", err)
	}
	if all := w.Requests(""); len(all) > 0 {
		t.Errorf("requests %v", all)
	}
}
