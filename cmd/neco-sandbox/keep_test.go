//go:build sandbox

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
)

// timeout bounds every wait of these tests.
const timeout = 3 * time.Minute

// program is neco-sandbox with a cache directory of its own.
type program struct {
	t    *testing.T
	path string
	env  []string
}

func buildProgram(t *testing.T) program {
	t.Helper()
	dir := t.TempDir()
	p := program{t, filepath.Join(dir, "neco-sandbox"), append(os.Environ(), "XDG_CACHE_HOME="+cacheWithStandins(t, dir))}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return p
}

// cacheWithStandins creates a cache directory of its own in dir, and returns its path. The
// programs that imitate others are those of the user's cache.
func cacheWithStandins(t *testing.T, dir string) string {
	t.Helper()
	users, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, "cache")
	if err := os.MkdirAll(filepath.Join(cache, "neco"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(users, "neco/standin"), filepath.Join(cache, "neco/standin")); err != nil {
		t.Fatal(err)
	}
	return cache
}

// run runs the program and returns its output.
func (p program) run(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (p program) must(args ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Fatalf("neco-sandbox %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p program) status() control.Status {
	p.t.Helper()
	var st control.Status
	if err := json.Unmarshal([]byte(p.must("status", "-o", "json")), &st); err != nil {
		p.t.Fatal(err)
	}
	return st
}

// await polls the status until cond holds.
func (p program) await(what string, cond func(control.Status) bool) control.Status {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), timeout)
	defer cancel()
	for {
		st := p.status()
		if cond(st) {
			return st
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("%s: not within %s: %+v", what, timeout, st)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// allRun returns a condition: all servers run the version and have completed the update
// to it.
func allRun(version string) func(control.Status) bool {
	return func(st control.Status) bool {
		for _, s := range st.Servers {
			if s.Version != version || s.For != version || s.Cond != "completed" {
				return false
			}
		}
		return len(st.Servers) == 3
	}
}

func TestASandboxThatIsKeptCanBePlayedWith(t *testing.T) {
	debs := sandboxtest.Debs(t, 3)
	p := buildProgram(t)
	p.must("run", "--keep", "--deb", debs[0])
	t.Cleanup(func() { p.run("down") })
	st := p.status()
	if !allRun("2026.01.01-1")(st) {
		t.Fatalf("status %+v", st)
	}
	if out, err := p.run("run", "--keep", "--deb", debs[0]); err == nil || !strings.Contains(out, "it is running") {
		t.Errorf("a second one of the name: %v, %s", err, out)
	}
	if out := p.must("neco", "1", "--", "version"); !strings.Contains(out, "2026.01.01-1") {
		t.Errorf("neco version: %s", out)
	}
	if out := p.must("logs", "1"); !strings.Contains(out, "step finished") {
		t.Errorf("logs: %s", out)
	}
	p.commands()
	p.killed(st)
	p.partitioned(debs)
	p.withoutMajority()
	p.must("down")
	if left := sandboxtest.Processes(t, st.Dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if out, err := p.run("status"); err == nil || !strings.Contains(out, "sandbox default: it is not running") {
		t.Errorf("status after down: %v, %s", err, out)
	}
}

// commands checks that the commands of sabakan and CKE work on a boot server, and that no
// server reports a command as missing.
func (p program) commands() {
	p.t.Helper()
	for command, want := range map[string]string{
		"sabactl images index": neco.CurrentArtifacts.OSImage.Version,
		"ckecli resource list": "Namespace/",
		"pwd":                  "/boot-1\n",
	} {
		if out := p.must(append([]string{"exec", "1", "--"}, strings.Fields(command)...)...); !strings.Contains(out, want) {
			p.t.Errorf("%s: %q is not in\n%s", command, want, out)
		}
	}
	if out := p.must("neco", "1", "--", "status"); strings.Contains(out, "sabactl") {
		p.t.Errorf("neco status: %s", out)
	}
	if out, err := p.run("neco", "1", "--", "init-local", "cke"); err == nil || !strings.Contains(out, "does not work in the sandbox") {
		p.t.Errorf("neco init-local: %v, %s", err, out)
	}
}

// killed checks that a killed worker is restarted. It also tries pause, resume, start,
// and commands with invalid arguments.
func (p program) killed(before control.Status) {
	p.t.Helper()
	p.must("kill", "worker", "1")
	p.await("the worker is back", func(st control.Status) bool {
		w := st.Servers[1].Worker
		return w.PID != 0 && w.PID != before.Servers[1].Worker.PID && st.Servers[1].Version != ""
	})
	p.must("pause", "updater", "0")
	p.await("the updater is paused", func(st control.Status) bool { return st.Servers[0].Updater.State == "paused" })
	p.must("resume", "updater", "0")
	p.must("start", "updater", "0")
	for _, args := range [][]string{{"kill", "worker", "7"}, {"kill", "nothing", "0"}, {"kill", "--signal", "X", "worker", "0"}, {"cut", "x"}, {"start", "nothing", "0"}, {"stop"}} {
		if out, err := p.run(args...); err == nil || !strings.HasPrefix(out, "Error: ") {
			p.t.Errorf("%q: %v, %s", args, err, out)
		}
	}
}

// partitioned checks that no update starts while a server is partitioned, and that the
// update starts after the partition.
func (p program) partitioned(debs []string) {
	p.t.Helper()
	p.must("cut", "2")
	p.await("server 2 sends no heartbeat", func(st control.Status) bool {
		return st.Servers[2].Cut && st.Servers[2].Version == "" && st.Servers[0].Version != ""
	})
	p.must("publish", "--deb", debs[1])
	st := p.await("the release is known", func(st control.Status) bool { return st.Release == "2026.01.01-2" })
	if st.Request != "2026.01.01-1" {
		p.t.Errorf("an update to %s was started without server 2", st.Request)
	}
	p.must("heal")
	p.await("all run 2026.01.01-2", allRun("2026.01.01-2"))
	p.must("publish", "--deb", debs[2])
	p.await("all run 2026.01.01-3", allRun("2026.01.01-3"))
}

// withoutMajority checks that the sandbox's status lists the partitioned servers, and
// that neco on a server reports that etcd has no majority.
func (p program) withoutMajority() {
	p.t.Helper()
	p.must("cut", "1", "2")
	p.await("etcd does not answer", func(st control.Status) bool {
		return st.EtcdError != "" && !st.Servers[0].Cut && st.Servers[1].Cut && st.Servers[2].Cut
	})
	if out, err := p.run("neco", "0", "--", "status"); err == nil || !strings.Contains(out, "Error: etcd has no majority here: http://") {
		p.t.Errorf("neco status: %v, %s", err, out)
	}
	p.must("heal")
	p.await("etcd answers", func(st control.Status) bool { return st.EtcdError == "" })
}

// TestASandboxWhoseUpdateFailsIsKept checks that the cause of a failure can be examined.
func TestASandboxWhoseUpdateFailsIsKept(t *testing.T) {
	debs := sandboxtest.Debs(t, 2)
	if err := os.WriteFile(debs[1]+".sha256", []byte(strings.Repeat("0", 64)+"  "+filepath.Base(debs[1])+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := buildProgram(t)
	t.Cleanup(func() { p.run("down") })
	out, err := p.run("run", "--keep", "--deb", debs[0], "--deb", debs[1])
	if err == nil || !strings.Contains(out, "The sandbox keeps running") || !strings.Contains(out, "Error: follow the update to 2026.01.01-2: ") {
		t.Errorf("%v\n%s", err, out)
	}
	if out := p.must("status"); !strings.Contains(out, "digest mismatch") {
		t.Errorf("status: %s", out)
	}
	p.must("neco", "0", "--", "status")
}
