// Package debian tests the helper scripts of the Debian package. The programs that they call
// are replaced: they need a booted boot server. A suite of the virtual data centre starts the
// scripts' units.
package debian

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bench runs scripts with replaced programs in PATH. Each replaced program appends its
// arguments to the file calls.
type bench struct {
	t                *testing.T
	bin, text, calls string
}

func newBench(t *testing.T) bench {
	dir := t.TempDir()
	b := bench{t, filepath.Join(dir, "bin"), filepath.Join(dir, "text"), filepath.Join(dir, "calls")}
	if err := os.Mkdir(b.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	return b
}

// program replaces a program by a shell script.
func (b bench) program(name, script string) {
	b.t.Helper()
	text := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>%q\n%s\n", name, b.calls, script)
	if err := os.WriteFile(filepath.Join(b.bin, name), []byte(text), 0o755); err != nil {
		b.t.Fatal(err)
	}
}

// run runs a script of the package and returns its output. The directory of the package's own
// helpers is the one of the repository.
func (b bench) run(script string, args ...string) (string, error) {
	b.t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		b.t.Fatal(err)
	}
	own, err := filepath.Abs("root/usr/lib/neco")
	if err != nil {
		b.t.Fatal(err)
	}
	copied := filepath.Join(b.t.TempDir(), filepath.Base(script))
	if err := os.WriteFile(copied, []byte(strings.ReplaceAll(string(text), "/usr/lib/neco", own)), 0o755); err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), copied, args...)
	cmd.Env = append(os.Environ(), "PATH="+b.bin+":"+os.Getenv("PATH"), "NECO_TEXTFILES="+b.text, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// read returns the contents of a file, or "" if it does not exist.
func (b bench) read(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return string(data)
}

func TestExportUnitStatusWritesAMetricOfEachService(t *testing.T) {
	b := newBench(t)
	b.program("systemctl", `case $* in *neco-updater*) exit 0 ;; *) exit 3 ;; esac`)
	if out, err := b.run("root/usr/sbin/export-unit-status"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := b.read(filepath.Join(b.text, "unit-status.prom"))
	want := "systemd_unit_active{unit=\"neco-updater.service\"} 1\n" +
		"systemd_unit_active{unit=\"sabakan-state-setter.service\"} 0\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant at its end %s", got, want)
	}
	if entries, err := os.ReadDir(b.text); err != nil || len(entries) != 1 {
		t.Errorf("the directory has %v, %v; want one file", entries, err)
	}
}

func TestBackupOfCKEsEtcdKeepsTheTimeOfTheLastSuccess(t *testing.T) {
	const script = "tools/cke/root/usr/sbin/backup-cke-etcd"
	b := newBench(t)
	file := filepath.Join(b.text, "cke-etcd-backup.prom")

	b.program("ckecli", "exit 4")
	out, err := b.run(script)
	if err == nil || !strings.Contains(out, "ckecli etcd local-backup failed with exit code 4") {
		t.Errorf("the first backup fails: %v: %s", err, out)
	}
	if got := b.read(file); !strings.Contains(got, "\ncke_etcd_backup_last_executed_time ") || strings.Contains(got, "succeeded") {
		t.Errorf("after a failure without an earlier success: %s", got)
	}

	b.program("ckecli", "")
	if out, err := b.run(script); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const sample = "\ncke_etcd_backup_last_succeeded_time "
	_, good, ok := strings.Cut(b.read(file), sample)
	if !ok {
		t.Fatalf("no time of success: %s", b.read(file))
	}
	if got := b.read(b.calls); !strings.HasSuffix(got, "ckecli etcd local-backup\n") {
		t.Errorf("calls: %s", got)
	}

	b.program("date", "echo 9999999999")
	b.program("ckecli", "exit 1")
	if out, err := b.run(script); err == nil {
		t.Errorf("a failed backup succeeds: %s", out)
	}
	got := b.read(file)
	if !strings.Contains(got, sample+good) || !strings.Contains(got, "\ncke_etcd_backup_last_executed_time 9999999999\n") {
		t.Errorf("after a success and a failure: %s", got)
	}
}

func TestOldLoginSessionsOfUsersAreEnded(t *testing.T) {
	b := newBench(t)
	at := func(ago time.Duration) string {
		return time.Now().Add(-ago).UTC().Format("Mon 2006-01-02 15:04:05 UTC")
	}
	b.program("loginctl", fmt.Sprintf(`
case "$1 $2" in
"list-sessions --no-legend") printf '  1 0 root\n  2 1000 ann\n  3 1000 ann\n  4 0 gdm\n' ;;
"show-session 1") printf 'Timestamp=%s\nClass=user\nName=root\n' ;;
"show-session 2") exit 1 ;;
"show-session 3") printf 'Timestamp=%s\nClass=user\nName=ann\n' ;;
"show-session 4") printf 'Timestamp=%s\nClass=greeter\nName=gdm\n' ;;
esac`, at(25*time.Hour), at(23*time.Hour), at(48*time.Hour)))
	out, err := b.run("root/usr/sbin/kill-old-login-sessions")
	if err != nil || !strings.Contains(out, "end session 1 of root") {
		t.Errorf("%v: %s", err, out)
	}
	if got := b.read(b.calls); strings.Count(got, "kill-session") != 1 || !strings.Contains(got, "loginctl kill-session --signal=KILL 1\n") {
		t.Errorf("calls: %s", got)
	}
}

func TestDockerPruneKeepsTheImagesOfTheReleaseAndNewOnes(t *testing.T) {
	b := newBench(t)
	b.program("neco", `printf 'quay.io/cybozu/etcd:2\nquay.io/cybozu/etcd:1\n'`)
	old, fresh := time.Now().Add(-80*time.Hour).Format(time.RFC3339Nano), time.Now().Add(-time.Hour).Format(time.RFC3339Nano)
	b.program("docker", fmt.Sprintf(`
case "$1 $2" in
"image ls") printf 'quay.io/cybozu/etcd:2\nquay.io/cybozu/etcd:1\nquay.io/cybozu/etcd:0\nquay.io/cybozu/etcd:10\nnew:1\nused:1\nx:<none>\n' ;;
"image inspect") case $5 in new:1) echo '"%s"' ;; *) echo '"%s"' ;; esac ;;
"image rm") case $3 in used:1) exit 1 ;; esac ;;
esac`, fresh, old))
	out, err := b.run("root/usr/lib/neco/docker-prune")
	if err != nil || !strings.Contains(out, "used:1 is in use and stays") {
		t.Errorf("%v: %s", err, out)
	}
	var removed []string
	for line := range strings.Lines(b.read(b.calls)) {
		if image, ok := strings.CutPrefix(line, "docker image rm "); ok {
			removed = append(removed, strings.TrimSpace(image))
		}
	}
	if got := strings.Join(removed, " "); got != "quay.io/cybozu/etcd:0 quay.io/cybozu/etcd:10 used:1" {
		t.Errorf("removed: %s", got)
	}
}

func TestDockerPruneRemovesNothingIfTheReleaseIsUnknown(t *testing.T) {
	b := newBench(t)
	b.program("neco", "exit 1")
	b.program("docker", "")
	if out, err := b.run("root/usr/lib/neco/docker-prune"); err == nil {
		t.Errorf("it succeeds: %s", out)
	}
	if got := b.read(b.calls); got != "neco image --in-docker\n" {
		t.Errorf("calls: %s", got)
	}
}

func TestRmresfChecksItsFields(t *testing.T) {
	b := newBench(t)
	b.program("yq", "")
	for _, args := range [][]string{nil, {"metadata"}, {".metadata", ""}, {"."}} {
		if out, err := b.run("tools/yq/root/usr/bin/rmresf", args...); err == nil || !strings.Contains(out, "metadata.uid") {
			t.Errorf("rmresf %q: %v: %s", args, err, out)
		}
	}
	if out, err := b.run("tools/yq/root/usr/bin/rmresf", ".status", ".metadata.uid"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const want = "yq eval -P del(.status) | del(.items[]?.status) | del(.metadata.uid) | del(.items[]?.metadata.uid) -\n"
	if got := b.read(b.calls); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
