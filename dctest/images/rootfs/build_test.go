package rootfs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestABuildThatFailsLeavesNoImage makes the command fail that installs packages into the
// image.
func TestABuildThatFailsLeavesNoImage(t *testing.T) {
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"id":          "echo 0",
		"apt-get":     "echo http://mirror.example.com/debian bookworm main",
		"debootstrap": `mkdir -p "$3/etc/apt" "$3/etc/systemd/system" "$3/usr/sbin"`,
		"unshare":     "echo no network here; exit 100",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	image := filepath.Join(dir, "out", "server.tar")
	if err := os.Mkdir(filepath.Dir(image), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./build", "boot", image)
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("the build succeeded: %s", out)
	}
	if !strings.Contains(string(out), "no network here") {
		t.Errorf("the output has no reason: %s", out)
	}
	left, err := os.ReadDir(filepath.Dir(image))
	if err != nil || len(left) > 0 {
		t.Errorf("files that are left: %v (%v)", left, err)
	}
}
