package control

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAProcessThatWasStoppedIsPaused(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for _, tc := range []struct {
		signal syscall.Signal
		want   bool
	}{{syscall.SIGSTOP, true}, {syscall.SIGCONT, false}} {
		if err := cmd.Process.Signal(tc.signal); err != nil {
			t.Fatal(err)
		}
		for paused(cmd.Process.Pid) != tc.want {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("after %s: paused is not %t", tc.signal, tc.want)
			}
		}
	}
}

func TestUnitsAreFoundWhereverTheirFilesAre(t *testing.T) {
	root := t.TempDir()
	for _, file := range []string{"lib/systemd/system/a.service", "etc/systemd/system/a.service", "run/systemd/system/b.service", "lib/systemd/system/c.timer"} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"a.service", "b.service"}, unitsOf(root)); diff != "" {
		t.Error(diff)
	}
}
