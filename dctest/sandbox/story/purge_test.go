//go:build sandbox

package story

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
)

// dpkg runs the real dpkg below root and returns what it prints.
func dpkg(t *testing.T, root string, args ...string) string {
	t.Helper()
	flags := []string{"--root=" + root, "--force-not-root", "--force-script-chrootless", "--force-depends", "--log=" + filepath.Join(root, "dpkg.log")}
	cmd := exec.CommandContext(t.Context(), "dpkg", append(flags, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("dpkg %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestPurgeKeepsKeysAndDataAndNamesThem also checks that removal leaves no unit
// enabled.
func TestPurgeKeepsKeysAndDataAndNamesThem(t *testing.T) {
	root := t.TempDir()
	write := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"var/lib/dpkg/status", "var/lib/dpkg/available", "var/lib/dpkg/updates/.keep", "var/lib/dpkg/info/format"} {
		write(name)
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/info/format"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "var/lib/dpkg/updates/.keep")); err != nil {
		t.Fatal(err)
	}
	dpkg(t, root, "-i", sandboxtest.Debs(t, 1)[0])
	if _, err := os.Stat(filepath.Join(root, "etc/neco")); err != nil {
		t.Error(err)
	}
	kept := []string{"etc/neco/etcd.key", "var/lib/neco/host-id", "var/lib/etcd-container/member/snap/db"}
	for _, name := range append(kept, "etc/systemd/system/timers.target.wants/etcd-backup.timer", "var/log/neco-install.log") {
		write(name)
	}
	dpkg(t, root, "--remove", "neco")
	links, err := filepath.Glob(filepath.Join(root, "etc/systemd/system/*.wants/*"))
	if err != nil || len(links) > 0 {
		t.Errorf("enabled after the removal: %v %v", links, err)
	}
	said := dpkg(t, root, "--purge", "neco")
	for _, want := range []string{" /etc/neco /var/lib/neco /var/lib/etcd-container\n", "'neco reset'"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is absent from\n%s", want, said)
		}
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "var/log/neco-install.log")); err == nil {
		t.Error("the log of the installation stays")
	}
}
