package daemon

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// survivor names the file that a child process of the test below writes when its
// log could not be written.
const survivor = "NECO_TEST_SURVIVOR"

func TestMain(m *testing.M) {
	if path := os.Getenv(survivor); path != "" {
		os.Exit(Main(func(context.Context) error {
			log := Logger(os.Stderr)
			log.Info("journald does not read this")
			log.Info("nor this")
			return os.WriteFile(path, nil, 0o600)
		}))
	}
	os.Exit(m.Run())
}

func TestADaemonSurvivesALogThatNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "survived")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), survivor+"="+path), w
	if err := cmd.Run(); err != nil {
		t.Errorf("the daemon ended: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
