package systemd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// notifier returns the unit file of a service that runs this test binary.
func notifier(t *testing.T, ready string, more string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("[Service]\nType=notify\nEnvironment=%s=%s\nExecStart=%s\n%s", helperEnv, ready, filepath.Base(self), more)
}

// withSelf starts a manager that finds this test binary in its search path.
func withSelf(t *testing.T, files map[string]string) *host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(self)+":"+os.Getenv("PATH"))
	return newHost(t, files)
}

func TestAServiceHasStartedWhenItHasSentReady(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	h := withSelf(t, map[string]string{unitDir + "n.service": notifier(t, ready, "")})
	c := h.client()
	done := make(chan string, 1)
	if _, err := c.StartUnitContext(t.Context(), "n.service", "replace", done); err != nil {
		t.Fatal(err)
	}
	h.eventually("it waits", func() bool { return prop(t, c, "n.service", "StatusText") == "waiting" })
	if got := states(t, c, "n.service"); got != "loaded activating/start success" || len(done) != 0 {
		t.Errorf("before it is ready: %s", got)
	}
	if list, err := c.ListUnitsByNamesContext(t.Context(), []string{"n.service"}); err != nil || list[0].JobId == 0 || list[0].JobType != "start" {
		t.Errorf("its job is not listed: %v, %v", list, err)
	}
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "done" || states(t, c, "n.service") != "loaded active/running success" {
		t.Errorf("when it is ready: %s, %s", got, states(t, c, "n.service"))
	}
}

func TestAStopCancelsAStart(t *testing.T) {
	h := withSelf(t, map[string]string{unitDir + "n.service": notifier(t, "/never", "Restart=always\n")})
	c := h.client()
	started := make(chan string, 1)
	if _, err := c.StartUnitContext(t.Context(), "n.service", "replace", started); err != nil {
		t.Fatal(err)
	}
	h.eventually("it waits", func() bool { return prop(t, c, "n.service", "StatusText") == "waiting" })
	if _, err := c.StopUnitContext(t.Context(), "n.service", "fail", nil); errorName(err) != nameDestructive {
		t.Errorf("a stop that must not cancel: %v", err)
	}
	if got := h.job(c.StopUnitContext, "n.service"); got != "done" {
		t.Errorf("stop: %s", got)
	}
	if got := <-started; got != "canceled" || h.ActiveState("n.service") != "inactive" || h.MainPID("n.service") != 0 {
		t.Errorf("start: %s, then %s", got, h.ActiveState("n.service"))
	}
}

func TestRestartPolicies(t *testing.T) {
	const limit = "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1h\n[Service]\nRestartSec=1ms\n"
	cases := map[string]struct {
		policy, script string
		starts         int
		state          string
	}{
		"no restart":                                    {"no", "exit 1", 1, "failed/failed exit-code"},
		"a failure is restarted":                        {"on-failure", "exit 1", 3, "failed/failed start-limit-hit"},
		"a good end is no failure":                      {"on-failure", "exit 0", 1, "inactive/dead success"},
		"SIGTERM is a good end":                         {"on-failure", "kill -TERM $$", 1, "inactive/dead success"},
		"SIGKILL is a failure":                          {"on-failure", "kill -KILL $$", 3, "failed/failed start-limit-hit"},
		"any end is restarted":                          {"always", "exit 0", 3, "failed/failed start-limit-hit"},
		"an exit code is not abnormal":                  {"on-abnormal", "exit 1", 1, "failed/failed exit-code"},
		"a signal is abnormal":                          {"on-abnormal", "kill -SEGV $$", 3, "failed/failed start-limit-hit"},
		"only a good end is restarted":                  {"on-success", "exit 0", 3, "failed/failed start-limit-hit"},
		"a failure with the policy for good ends stays": {"on-success", "exit 2", 1, "failed/failed exit-code"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, map[string]string{
				"/usr/bin/tool":       "#!/bin/sh\necho run\n" + c.script + "\n",
				unitDir + "a.service": limit + "Type=exec\nExecStart=/usr/bin/tool\nRestart=" + c.policy + "\n",
			})
			cl := h.client()
			if got := h.job(cl.StartUnitContext, "a.service"); got != "done" {
				t.Fatalf("start: %s", got)
			}
			h.eventually("it is "+c.state, func() bool { return states(t, cl, "a.service") == "loaded "+c.state })
			if got := strings.Count(h.log("a.service"), "run"); got != c.starts {
				t.Errorf("it was started %d times, want %d", got, c.starts)
			}
		})
	}
}

func TestAStoppedUnitIsNotRestarted(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1h\n"})
	c := h.client()
	h.job(c.StartUnitContext, "a.service")
	h.eventually("it waits for its restart", func() bool { return strings.Contains(states(t, c, "a.service"), "activating/auto-restart") })
	if got := h.job(c.StopUnitContext, "a.service"); got != "done" || h.ActiveState("a.service") != "inactive" {
		t.Errorf("stop: %s, then %s", got, h.ActiveState("a.service"))
	}
}

func TestAStartAfterTheLimitNeedsAReset(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": "[Unit]\nStartLimitBurst=1\n[Service]\nType=oneshot\nExecStart=/bin/true\n"})
	c := h.client()
	for i, want := range []string{"done", "failed", "failed"} {
		if got := h.job(c.StartUnitContext, "a.service"); got != want {
			t.Errorf("start %d: %s, want %s", i, got, want)
		}
	}
	if err := c.ResetFailedUnitContext(t.Context(), "a.service"); err != nil {
		t.Fatal(err)
	}
	if got := h.job(c.StartUnitContext, "a.service"); got != "done" {
		t.Errorf("after the reset: %s", got)
	}
}

func TestTheStepsOfAService(t *testing.T) {
	h := newHost(t, map[string]string{
		"/usr/bin/say":   "#!/bin/sh\necho \"$@\"\n",
		"/etc/default/a": "# a comment\nFROM_FILE=\"from a file\"\nBOTH=file\n",
		unitDir + "a.service": "[Unit]\nWants=b.service missing.service\n[Service]\nType=oneshot\nRemainAfterExit=yes\n" +
			"Environment=\"ONE=first word\" BOTH=unit\nEnvironmentFile=/etc/default/a\nEnvironmentFile=-/etc/default/missing\n" +
			"ExecStartPre=-/bin/false\nExecStartPre=/usr/bin/say pre\n" +
			"ExecStart=/usr/bin/say %n $ONE \"${ONE}\" '$$ONE' \\\n  ${FROM_FILE} ${BOTH} $GIVEN\nExecStart=-/bin/false\nExecStart=/usr/bin/say two\n" +
			"ExecStartPost=/usr/bin/say post\nExecStop=/usr/bin/say stop\nExecStopPost=/usr/bin/say stop-post\n",
		unitDir + "b.service":                           sleeper,
		"/etc/systemd/system/a.service.d/10-x.conf":     "[Service]\nExecStartPost=\nExecStartPost=/usr/bin/say changed\n",
		"/usr/lib/systemd/system/a.service.d/10-x.conf": "[Service]\nExecStartPost=/usr/bin/say hidden\n",
		"/usr/lib/systemd/system/a.service.d/20-y.conf": "[Service]\nExecStartPost=/usr/bin/say more\n",
	})
	c := h.client()
	if got := h.job(c.StartUnitContext, "a.service"); got != "done" || states(t, c, "a.service") != "loaded active/exited success" {
		t.Fatalf("start: %s, %s", got, states(t, c, "a.service"))
	}
	h.eventually("the unit that it wants runs", func() bool { return h.ActiveState("b.service") == "active" })
	if got := h.job(c.StopUnitContext, "a.service"); got != "done" {
		t.Fatalf("stop: %s", got)
	}
	want := "pre\na.service first word first word $ONE from a file file by options\ntwo\nchanged\nmore\nstop\nstop-post\n"
	if diff := cmp.Diff(want, h.log("a.service")); diff != "" {
		t.Error(diff)
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper})
	c := h.client()
	h.job(c.StartUnitContext, "a.service")
	pid := h.MainPID("a.service")
	h.write("/etc/systemd/system/a.service", strings.Replace(sleeper, "a service", "changed", 1))
	if got := prop(t, c, "a.service", "Description"); got != "a service" || prop(t, c, "a.service", "NeedDaemonReload") != true {
		t.Errorf("before: %v", got)
	}
	if err := c.ReloadContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := prop(t, c, "a.service", "Description"); got != "changed" || h.MainPID("a.service") != pid {
		t.Errorf("after: %v, process %d instead of %d", got, h.MainPID("a.service"), pid)
	}
}

func TestAReloadRunsTheUnitsOwnCommand(t *testing.T) {
	h := newHost(t, map[string]string{
		unitDir + "a.service": "[Service]\nExecStart=/bin/sleep 3600\nExecReload=/bin/sh -c 'echo reload $MAINPID'\n",
	})
	c := h.client()
	h.job(c.StartUnitContext, "a.service")
	pid := h.MainPID("a.service")
	if got := h.job(c.ReloadOrRestartUnitContext, "a.service"); got != "done" || h.MainPID("a.service") != pid {
		t.Errorf("got %s", got)
	}
	if got := h.log("a.service"); got != fmt.Sprintf("reload %d\n", pid) {
		t.Errorf("got %q", got)
	}
}

func TestAStopReachesEveryProcess(t *testing.T) {
	cases := map[string]struct {
		script string
		before func(pid int)
		state  string
		least  time.Duration
	}{
		"one that ends":                  {"sleep 3600", nil, "inactive/dead success", 0},
		"one that was halted":            {"sleep 3600", func(pid int) { syscall.Kill(pid, syscall.SIGSTOP) }, "inactive/dead success", 0},
		"one that does not want to end":  {"trap '' TERM; sleep 3600 & while :; do sleep 1; done", nil, "failed/failed timeout", time.Second},
		"one that ends with an error":    {"trap 'exit 5' TERM; sleep 3600 & wait", nil, "failed/failed exit-code", 0},
		"one that leaves a child behind": {"trap 'exit 0' TERM; (trap '' TERM; sleep 3600) & wait", nil, "inactive/dead success", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, map[string]string{
				"/usr/bin/tool":       "#!/bin/sh\n" + c.script + "\n",
				unitDir + "a.service": "[Service]\nExecStart=/usr/bin/tool\nTimeoutStopSec=1s\n",
			})
			cl := h.client()
			h.job(cl.StartUnitContext, "a.service")
			pid := h.MainPID("a.service")
			h.eventually("its child is there", func() bool { return len(running(pid)) > 1 })
			if c.before != nil {
				c.before(pid)
			}
			start := time.Now()
			if got := h.job(cl.StopUnitContext, "a.service"); got != "done" || states(t, cl, "a.service") != "loaded "+c.state {
				t.Errorf("%s, %s", got, states(t, cl, "a.service"))
			}
			if took := time.Since(start); took < c.least {
				t.Errorf("it took only %s", took)
			}
			h.eventually("nothing is left", func() bool { return len(running(pid)) == 0 })
		})
	}
}

func TestShutdownLeavesNothingBehind(t *testing.T) {
	h := newHost(t, map[string]string{
		"/usr/bin/stubborn":          "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n",
		unitDir + "a.service":        sleeper,
		unitDir + "stubborn.service": "[Service]\nExecStart=/usr/bin/stubborn\n",
		unitDir + "b.service":        "[Service]\nType=oneshot\nExecStart=/bin/sleep 3600\n",
	})
	for _, unit := range []string{"a.service", "stubborn.service"} {
		if err := h.Start(t.Context(), unit); err != nil {
			t.Fatal(err)
		}
	}
	result := make(chan error, 1)
	go func() { result <- h.Start(context.Background(), "b.service") }()
	h.eventually("the oneshot runs", func() bool { return h.MainPID("b.service") != 0 })
	h.eventually("the stubborn one is deaf", func() bool { return len(running(h.MainPID("stubborn.service"))) > 1 })
	pids := []int{h.MainPID("a.service"), h.MainPID("stubborn.service"), h.MainPID("b.service")}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := <-result; err == nil {
		t.Error("the oneshot has ended well")
	}
	for _, pid := range pids {
		if left := running(pid); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	if err := h.Start(t.Context(), "a.service"); err == nil {
		t.Error("a unit starts after the end")
	}
}

func TestStartAndStopWithoutABus(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper, unitDir + "lost.service": "[Service]\nExecStart=/no/such/program\n"})
	if err := h.Start(t.Context(), "a.service"); err != nil || h.MainPID("a.service") == 0 {
		t.Errorf("start: %v", err)
	}
	if err := h.Restart(t.Context(), "a.service"); err != nil {
		t.Errorf("restart: %v", err)
	}
	if err := h.Stop(t.Context(), "a.service"); err != nil || h.MainPID("a.service") != 0 {
		t.Errorf("stop: %v", err)
	}
	err := h.Start(t.Context(), "lost.service")
	if err == nil || !strings.Contains(err.Error(), "start lost.service: failed") || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("got %v", err)
	}
	if err := h.Start(t.Context(), "missing.service"); err == nil || !strings.Contains(err.Error(), "missing.service not found") {
		t.Errorf("got %v", err)
	}
}
