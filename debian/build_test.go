package debian

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestABuildWithoutItsToolsNamesTheCommandThatMakesThem(t *testing.T) {
	for state, want := range map[string]string{
		"absent":     "there is no directory DIR; run: make tools",
		"incomplete": "make tools has not completed DIR; run it (again)",
	} {
		dir := t.TempDir()
		tools := filepath.Join(dir, "tools")
		if state == "incomplete" {
			if err := os.MkdirAll(filepath.Join(tools, "usr/bin"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "./build", filepath.Join(dir, "out"), "2026.11.21-1")
		cmd.Env = append(os.Environ(), "NECO_TOOLS="+tools, "XDG_CACHE_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if want := "debian/build: NECO_TOOLS: " + strings.ReplaceAll(want, "DIR", tools) + "\n"; err == nil || string(out) != want {
			t.Errorf("error %v, output %q, want %q", err, out, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "out")); err == nil {
			t.Errorf("%s: it has made the directory of the package", state)
		}
	}
}

// goCommand is a script that replaces go. It logs its arguments and variables and the files of
// go list and the replaced files, and builds nothing.
const goCommand = `#!/bin/sh
echo "$1: $GOAMD64 $GOFLAGS $GOPROXY" >>"$LOG"
if [ "$1" = build ]; then
	cat "${2#-overlay=}" >>"$LOG"
	exit 1
fi
"$REAL_GO" "$@" | tee -a "$LOG"
`

// debian/build runs cmd/toolset for the licences, so the cache depends on its source. The flags
// and the processor level of the user do not become part of the package.
func TestABuildDependsOnAllItsSourceAndNotOnTheUser(t *testing.T) {
	dir := t.TempDir()
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(goCommand), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	t.Setenv("GOPROXY", "off")
	cmd := exec.CommandContext(t.Context(), "./build", filepath.Join(dir, "out"), "2026.11.21-1")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "REAL_GO="+goPath, "LOG="+log, "NECO_TOOLS=", "NECO_CKE=",
		"NECO_DEB_KEY=", "XDG_CACHE_HOME="+dir, "GOFLAGS=-race", "GOAMD64=v3",
		"NECO_DIGESTS=dctest/no-digests.txt")
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("the build without a compiler succeeds: %s", out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"cmd/neco/main.go", "cmd/toolset/licences.go", "pkg/toolset/licences.go",
		"\nbuild: v1 -buildvcs=false off\n",
		"/replaced/artifacts.go\",", "/replaced/artifacts_digests.go\"}",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("go has no %q", want)
		}
	}
}
