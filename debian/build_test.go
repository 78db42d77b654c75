package debian

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestABuildWithoutItsToolsNamesTheCommandThatMakesThem(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "./build", filepath.Join(dir, "out"), "2026.11.21-1")
	cmd.Env = append(os.Environ(), "NECO_TOOLS="+filepath.Join(dir, "tools"), "XDG_CACHE_HOME="+dir)
	out, err := cmd.CombinedOutput()
	want := "debian/build: NECO_TOOLS: there is no directory " + filepath.Join(dir, "tools") + "; run: make tools\n"
	if err == nil || string(out) != want {
		t.Errorf("error %v, output %q, want %q", err, out, want)
	}
	if made, err := os.ReadDir(dir); len(made) > 0 || err != nil {
		t.Errorf("it has made %v (%v)", made, err)
	}
}
