package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tracked returns the paths of all files that git tracks.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = rootDir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git does not list the files here: %v", err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// mirrors matches hosts of packages and modules. The choice of a mirror belongs to the
// machine, not to the repository. The dots are in brackets so that this file does not
// match.
var mirrors = regexp.MustCompile(`(?i)(proxy|sum)[.]golang[.]org|goproxy[.](io|cn)` +
	`|(deb|ftp|security|snapshot)[.][a-z.]*debian[.]org|(archive|security|ports)[.]ubuntu[.]com` +
	`|GOPROXY[=]|GONOSUMDB[=]|GOSUMDB[=]|Acquire:[:]http`)

func TestNoFileNamesAMirror(t *testing.T) {
	for _, name := range tracked(t) {
		data, err := os.ReadFile(filepath.Join(rootDir, name))
		if err != nil {
			continue // deleted, and not yet committed
		}
		for i, line := range bytes.Split(data, []byte("\n")) {
			if found := mirrors.Find(line); found != nil {
				t.Errorf("%s:%d: %s", name, i+1, found)
			}
		}
	}
}

func TestScriptsAreExecutableAndStrict(t *testing.T) {
	for _, name := range tracked(t) {
		name = filepath.Join(rootDir, name)
		data, err := os.ReadFile(name)
		if err != nil || !bytes.HasPrefix(data, []byte("#!/")) {
			continue
		}
		if bytes.HasPrefix(data, []byte("#!/bin/sh\n")) && !regexp.MustCompile(`(?m)^set -eu?$`).Match(data) {
			t.Errorf("%s: has no line set -e", name)
		}
		if strings.HasSuffix(name, ".sh") && !strings.Contains(name, "/.ci/") {
			continue // embedded, made executable where it is installed
		}
		if info, err := os.Stat(name); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: not executable", name)
		}
	}
}

// TestCIRunsWhatTheReadmeSays compares .ci/run with the commands of the README.
func TestCIRunsWhatTheReadmeSays(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(rootDir, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(rootDir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^make .*$`).FindAll(script, -1)
	if len(commands) == 0 {
		t.Error(".ci/run runs nothing")
	}
	for _, c := range commands {
		if !bytes.Contains(readme, c) {
			t.Errorf("README.md does not tell to run %q", c)
		}
	}
}
