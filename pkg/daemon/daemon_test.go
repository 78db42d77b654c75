package daemon

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// survivor is an environment variable. It names a file that a child process writes if it
// survives a failed write to its log.
const survivor = "NECO_TEST_SURVIVOR"

func TestMain(m *testing.M) {
	if path := os.Getenv(survivor); path != "" {
		os.Exit(Main(func(context.Context) error {
			log := Logger(os.Stderr, slog.LevelInfo)
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

func TestTheLogLevelIsAFlag(t *testing.T) {
	for level, want := range map[string]string{"debug": "fine coarse", "info": "coarse", "error": ""} {
		var out strings.Builder
		cmd, _ := Command("daemon", "", func(_ context.Context, _ string, log *slog.Logger) error {
			log.Debug("fine")
			log.Info("coarse")
			return nil
		})
		cmd.SetErr(&out)
		cmd.SetArgs([]string{"--log-level", level})
		if err := cmd.Execute(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, word := range []string{"fine", "coarse"} {
			if strings.Contains(out.String(), "msg="+word) {
				got = append(got, word)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--log-level %s logs %q, want %q", level, got, want)
		}
	}
}

func TestALevelThatIsUnknownIsRefusedWithTheOnesThereAre(t *testing.T) {
	for _, level := range []string{"loud", "info+2", ""} {
		cmd, _ := Command("daemon", "", func(context.Context, string, *slog.Logger) error { return nil })
		cmd.SetArgs([]string{"--log-level", level})
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "debug, info, warn or error") || strings.Contains(err.Error(), "slog") {
			t.Errorf("%q: %v", level, err)
		}
	}
}
