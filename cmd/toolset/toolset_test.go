package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// run runs the command and returns its error.
func run(t *testing.T, args ...string) error {
	t.Helper()
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	return cmd.ExecuteContext(t.Context())
}

func TestAReleaseIsRefusedWithoutAllPrograms(t *testing.T) {
	dir := t.TempDir()
	list, out := filepath.Join(dir, "tools.yaml"), filepath.Join(dir, "out")
	const text = "tools:\n- {name: x, licence: MIT, version: v1, url: https://h.invalid/x, checksums: https://h.invalid/s, install: {x: [/usr/bin/x]}}\n"
	if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	stage := []string{"--list", list, "stage", out, "--cache", filepath.Join(dir, "cache")}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--release"}, "a release must contain all programs of " + list + ": the digests of these are unknown:\n  x v1\n" +
			"run make tools-pin on a computer with access to the internet, review the change and commit it\n" +
			"a release must contain the licences of all programs of " + list + ": these have no text of their own licence:\n  x v1\n" +
			"set licenceModule to the Go module from which the publisher has built the program; docs/package.md explains how"},
		{[]string{"--release", "--stand-ins", dir}, "a release contains no stand-ins: omit --stand-ins or --release"},
	} {
		if err := run(t, append(stage, tt.args...)...); err == nil || err.Error() != tt.want {
			t.Errorf("%v: %v, want %q", tt.args, err, tt.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: %s exists", tt.args, out)
		}
	}
	if err := run(t, stage...); err != nil {
		t.Errorf("a package that is not of a release: %v", err)
	}
}
