package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/google/go-cmp/cmp"
)

// TestUnitsAskSystemdFor also tests the functions of package neco that Units calls.
func TestUnitsAskSystemdFor(t *testing.T) {
	var u Units
	cases := map[string]struct {
		act  func(context.Context) error
		want []string
	}{
		"a start":                        {func(ctx context.Context) error { return u.Start(ctx, "serf") }, []string{"Reload", "Enable serf.service", "Start serf.service"}},
		"a stop":                         {func(ctx context.Context) error { return u.Stop(ctx, "serf") }, []string{"Stop serf.service"}},
		"a restart":                      {func(ctx context.Context) error { return u.Restart(ctx, "serf") }, []string{"Reload", "Enable serf.service", "Restart serf.service"}},
		"a restart of what runs":         {func(ctx context.Context) error { return u.TryRestart(ctx, "serf") }, []string{"Reload", "TryRestart serf.service"}},
		"a restart of what is not there": {func(ctx context.Context) error { return u.TryRestart(ctx, "absent") }, []string{"Reload", "TryRestart absent.service"}},
		"an enabling":                    {func(ctx context.Context) error { return u.Enable(ctx, "serf") }, []string{"Reload", "Enable serf.service"}},
		"a disabling":                    {func(ctx context.Context) error { return u.Disable(ctx, "serf") }, []string{"Disable serf.service", "Reload"}},
		"a timer's start":                {func(ctx context.Context) error { return u.StartTimer(ctx, "tags") }, []string{"Reload", "Enable tags.timer", "Start tags.timer"}},
		"a timer's stop":                 {func(ctx context.Context) error { return neco.StopTimer(ctx, "tags") }, []string{"Stop tags.timer"}},
		"a timer disabled":               {func(ctx context.Context) error { return neco.DisableTimer(ctx, "tags") }, []string{"Disable tags.timer", "Reload"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, "serf.service", "tags.timer")
			if err := c.act(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, m.asked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIsActive(t *testing.T) {
	for state, want := range map[string]bool{"active": true, "reloading": true, "inactive": false, "activating": false, "failed": false} {
		t.Run(state, func(t *testing.T) {
			m := newManager(t)
			m.set("setup-hw.service", state)
			if got, err := (Units{}).IsActive(t.Context(), "setup-hw"); err != nil || got != want {
				t.Errorf("IsActive = %v, %v", got, err)
			}
		})
	}
}

func TestTheResultOfAJob(t *testing.T) {
	for result, ok := range map[string]bool{"done": true, "skipped": true, "failed": false, "timeout": false, "dependency": false, "canceled": false} {
		t.Run(result, func(t *testing.T) {
			m := newManager(t, "serf.service")
			m.results["serf.service"] = result
			err := Units{}.Start(t.Context(), "serf")
			if ok && err != nil {
				t.Error(err)
			}
			if !ok && (err == nil || !strings.Contains(err.Error(), "serf.service") || !strings.Contains(err.Error(), result)) {
				t.Errorf("Start: %v, want unit and result named", err)
			}
		})
	}
}

func TestAUnitThatSystemdDoesNotKnow(t *testing.T) {
	newManager(t)
	if err := (Units{}).Stop(t.Context(), "serf"); err != nil {
		t.Errorf("stopping it: %v", err)
	}
	if err := (Units{}).Start(t.Context(), "serf"); err == nil || !strings.Contains(err.Error(), "serf.service") {
		t.Errorf("starting it: %v", err)
	}
}

func TestAServiceThatDoesNotRunIsNotReloaded(t *testing.T) {
	m := newManager(t, "ssh.service")
	for _, name := range []string{"ssh", "absent"} {
		if err := (Units{}).TryReload(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if did := m.asked(); len(did) > 0 {
		t.Errorf("did %v", did)
	}
	m.set("ssh.service", "active")
	if err := (Units{}).TryReload(t.Context(), "ssh"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Reload ssh.service"}, m.asked()); diff != "" {
		t.Error(diff)
	}
}

func TestAWaitForAJobEnds(t *testing.T) {
	t.Run("with its context", func(t *testing.T) {
		m := newManager(t, "serf.service")
		m.results["serf.service"] = "never"
		stop := errors.New("stop")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, stop)
		defer cancel()
		if err := (Units{}).Start(ctx, "serf"); err == nil {
			t.Error("no error")
		}
	})
	t.Run("with the connection", func(t *testing.T) {
		m := newManager(t, "serf.service")
		m.results["serf.service"] = "never"
		done := make(chan error)
		go func() { done <- Units{}.Start(t.Context(), "serf") }()
		waitFor(t, "the job", func() bool { return len(m.asked()) == 3 })
		m.disconnect()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "serf.service") {
			t.Errorf("Start: %v", err)
		}
	})
}

func TestNoSystemdIsOneClearError(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "absent"))
	if err := (Units{}).Start(t.Context(), "serf"); err == nil || !strings.Contains(err.Error(), "start serf.service: connect to systemd") {
		t.Errorf("Start: %v", err)
	}
}

func TestRunTransient(t *testing.T) {
	t.Run("runs a command that can be waited for", func(t *testing.T) {
		newManager(t)
		file := filepath.Join(t.TempDir(), "made")
		if err := (Units{}).RunTransient(t.Context(), "neco-install", "test", []string{"/usr/bin/touch", file}, []string{"A=B"}); err != nil {
			t.Fatal(err)
		}
		if err := (Units{}).WaitGone(t.Context(), "neco-install"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	})
	t.Run("waits for one of its name that is running", func(t *testing.T) {
		m := newManager(t)
		m.set("neco-install.service", "activating")
		done := make(chan error)
		go func() {
			done <- Units{}.RunTransient(t.Context(), "neco-install", "test", []string{"/bin/true"}, nil)
		}()
		waitFor(t, "the first attempt", func() bool { return len(m.asked()) == 1 })
		m.set("neco-install.service", "inactive")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Run neco-install.service", "Run neco-install.service"}, m.asked()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("says what it waited for in vain", func(t *testing.T) {
		m := newManager(t)
		m.set("neco-install.service", "activating")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := Units{}.WaitGone(ctx, "neco-install")
		if err == nil || !strings.Contains(err.Error(), "neco-install.service") {
			t.Errorf("WaitGone: %v", err)
		}
	})
	t.Run("takes no empty command", func(t *testing.T) {
		if err := (Units{}).RunTransient(t.Context(), "x", "x", nil, nil); err == nil {
			t.Error("no error")
		}
	})
}

// waitFor blocks until cond holds.
func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s in vain", what)
		}
		time.Sleep(time.Millisecond)
	}
}
