package debian

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stoppedUnits are the units that the original's prerm stops.
var stoppedUnits = []string{
	"backup-cke-etcd.timer", "cke-localproxy.service", "cke.service", "docker-prune.timer", "export-unit-status.timer",
	"kill-old-login-sessions.timer", "neco-updater.service", "neco-worker.service", "node-exporter.service",
	"sabakan-state-setter.service", "teleport-node.service",
}

// kill is a line of a script that kills dpkg.
const kill = "kill -KILL $PPID"

// TestAFailedTakeOverLeavesAllRunning breaks the take-over in many ways. All that ran must run
// and be enabled, in the original's version of CKE, and the next attempt must succeed.
func TestAFailedTakeOverLeavesAllRunning(t *testing.T) {
	for _, tt := range []struct {
		name string
		// prepare runs before dpkg, and fault in the script of the new package.
		prepare, script, fault string
		// cut is how many bytes are cut off the package.
		cut int64
		// says is a part of dpkg's output.
		says string
		// down means that nothing can run before the next attempt: dpkg was killed too early.
		down bool
	}{
		{name: "preinst fails at its beginning", script: "preinst", fault: `[ "$1" != upgrade ] || exit 1`},
		{name: "preinst fails before it copies CKE", script: "preinst", fault: "keep_cke() { exit 1; }"},
		{name: "there is no space for CKE", prepare: `printf '#!/bin/sh\nexec /bin/cp /dev/zero /dev/full\n' >bin/cp; chmod 755 bin/cp`,
			says: "cke: /bin/cp: error writing '/dev/full': No space left on device\nneco: free 1 MiB there"},
		{name: "there is no space for the record", prepare: "ln -s /dev/full var/lib/neco/takeover.new", script: "preinst", fault: "check_complete() { exit 1; }"},
		{name: "the package is truncated", cut: 300_000, says: "unexpected end of file"},
		{name: "dpkg is killed in prerm", says: "Killed", down: true, prepare: ": >once; sed -i '/systemctl disable/a " +
			"[ \"$unit\" != cke.service ] || [ ! -e once ] || { rm once; " + kill + "; exit 1; }' var/lib/dpkg/info/neco.prerm"},
		{name: "dpkg is killed at the beginning of preinst", script: "preinst", fault: kill + "; exit 1", says: "Killed", down: true},
		{name: "dpkg is killed after the start", script: "preinst", fault: "check_complete() { " + kill + "; exit 1; }", says: "Killed"},
		{name: "dpkg is killed while it unpacks", says: "Killed", prepare: "printf '#!/bin/sh\\n[ \"$1\" = --fsys-tarfile ] || exec /usr/bin/dpkg-deb \"$@\"\\n" +
			"/usr/bin/dpkg-deb \"$@\" | head -c 600000\\n" + kill + "\\n' >bin/dpkg-deb; chmod 755 bin/dpkg-deb"},
		{name: "postinst fails", script: "postinst", fault: "exit 1"},
		{name: "dpkg is killed in postinst", script: "postinst", fault: kill + "; exit 1", says: "Killed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			good := s.pack("2", nil)
			bad := s.pack("3", func(tree string) { s.inject(tree, tt.script, tt.fault) })
			s.truncate(bad, tt.cut)
			s.shell(tt.prepare)
			out, err := s.dpkg("-i", bad)
			if err == nil || !strings.Contains(out, tt.says) {
				t.Fatalf("the take-over did not fail as it should: %v\n%s", err, out)
			}
			if !tt.down {
				s.wantRunning(stoppedUnits)
			}
			s.shell("rm -f bin/cp bin/dpkg-deb var/lib/neco/takeover.new; rm -f state/stopped/*")
			if out, err := s.dpkg("-i", good); err != nil {
				t.Fatalf("the next attempt: %v\n%s", err, out)
			}
			s.wantTaken()
		})
	}
}

// TestATakeOverStartsOnlyWhatRan also kills dpkg before the attempt that completes.
func TestATakeOverStartsOnlyWhatRan(t *testing.T) {
	for _, tt := range []struct {
		name    string
		killed  bool
		prepare string
	}{
		{name: "at the first attempt"},
		{name: "after an interruption", killed: true},
		{name: "after an interruption on a full disk", killed: true, prepare: "ln -s /dev/full var/lib/neco/takeover.new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.shell("rm state/active/teleport-node.service state/enabled/teleport-node.service;" + tt.prepare)
			if tt.killed {
				bad := s.pack("3", func(tree string) { s.inject(tree, "preinst", "start() { "+kill+"; exit 1; }") })
				if out, err := s.dpkg("-i", bad); err == nil || !strings.Contains(out, "Killed") {
					t.Fatalf("dpkg was not killed: %v\n%s", err, out)
				}
				s.shell("rm state/stopped/*")
			}
			if out, err := s.dpkg("-i", s.pack("2", nil)); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := s.units("active"); slices.Contains(got, "teleport-node.service") || !slices.Contains(got, "cke.service") {
				t.Errorf("active: %v", got)
			}
		})
	}
}

func TestATakeOverWithoutAJournalStartsAllUnits(t *testing.T) {
	s := newServer(t)
	s.shell("printf '#!/bin/sh\\nexit 1\\n' >bin/journalctl")
	if out, err := s.dpkg("-i", s.pack("2", nil)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.wantTaken()
}

func TestALaterUpgradeStopsNothing(t *testing.T) {
	s := newServer(t)
	for _, version := range []string{"2", "3"} {
		s.shell(": >state/log")
		if out, err := s.dpkg("-i", s.pack(version, nil)); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if log := s.read("state/log"); strings.Contains(log, "stop") || strings.Contains(log, "cke.service") {
		t.Errorf("systemctl:\n%s", log)
	}
	s.wantTaken()
}

// TestAPackageThatLacksFilesIsRefused installs a package without CKE, teleport and a program of
// nodes.
func TestAPackageThatLacksFilesIsRefused(t *testing.T) {
	s := newServer(t)
	deb := s.pack("2", func(tree string) {
		s.shell("cd " + tree + "; rm -r usr/lib/neco/cke usr/sbin/cke* usr/sbin/teleport usr/bin/ckecli usr/bin/kubectl usr/libexec lib/systemd/system/cke*")
	})
	out, err := s.dpkg("-i", deb)
	const want = "neco: this package would remove files, because it was built without them: cke-localproxy.service cke.service ckecli kubectl ctr cke cke-localproxy teleport\n" +
		"neco: install a package with these files (make tools; NECO_TOOLS=build/tools make deb), or,\n" +
		"neco: if nothing needs them, set the variable NECO_TAKE_OVER=incomplete for dpkg\n"
	if err == nil || !strings.Contains(out, want) {
		t.Fatalf("%v\n%s\nwant %s", err, out, want)
	}
	s.wantRunning(stoppedUnits)
	t.Setenv("NECO_TAKE_OVER", "incomplete")
	if out, err := s.dpkg("-i", deb); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(s.path("usr/sbin/cke")); err == nil {
		t.Error("cke is still there")
	}
}

func TestATakeOverRemovesCompletionsThatHideOthers(t *testing.T) {
	s := newServer(t)
	s.shell("echo mine >etc/bash_completion.d/mine")
	if out, err := s.dpkg("-i", s.pack("2", nil)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []string
	entries, err := os.ReadDir(s.path("etc/bash_completion.d"))
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := []string{"argocd", "ckecli", "mine", "stern"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("completions: %v (%v), want %v", got, err, want)
	}
}

// wantTaken checks that the new package is installed, all its units run and are enabled, CKE
// in the original's version, and that nothing is left of the take-over.
func (s server) wantTaken() {
	s.t.Helper()
	s.wantRunning(stoppedUnits)
	if got, err := s.output("dpkg-query", "--root="+s.dir, "-W", "-f", "${Status}", "neco"); err != nil || got != "install ok installed" {
		s.t.Errorf("dpkg: %s (%v)", got, err)
	}
	if target, err := os.Readlink(s.path("var/lib/neco/cke/current")); err != nil || target != "original" {
		s.t.Errorf("the version of CKE that starts is %q (%v)", target, err)
	}
	for _, name := range []string{"var/lib/neco/takeover", "run/neco-takeover", "var/lib/neco/cke/original.new"} {
		if _, err := os.Lstat(s.path(name)); err == nil {
			s.t.Errorf("%s is left", name)
		}
	}
}

// wantRunning checks that units run and are enabled, and that CKE starts in the original's
// version.
func (s server) wantRunning(units []string) {
	s.t.Helper()
	for _, state := range []string{"active", "enabled"} {
		got := s.units(state)
		for _, u := range units {
			if !slices.Contains(got, u) {
				s.t.Errorf("%s is not %s", u, state)
			}
		}
	}
	for _, name := range []string{"state/active/cke.service", "usr/sbin/cke", "usr/sbin/cke-localproxy", "usr/bin/ckecli"} {
		if got, want := s.read(name), "of the original\n"; !strings.HasSuffix(got, want) {
			s.t.Errorf("%s has %q, want the original's", name, got)
		}
	}
}

// units returns the units in a state.
func (s server) units(state string) []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.path("state/" + state))
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// inject makes a script of a package run a fault. A fault that defines a function replaces the
// script's own.
func (s server) inject(tree, script, fault string) {
	s.t.Helper()
	if script == "" {
		return
	}
	name := filepath.Join(tree, "DEBIAN", script)
	text := s.read(strings.TrimPrefix(name, s.dir+"/"))
	at := "\nset -e\n"
	if strings.Contains(fault, "() {") {
		at = "\nfind_ran\n"
	}
	if strings.Count(text, at) != 1 {
		s.t.Fatalf("%s has not one line %q", script, at)
	}
	text = strings.Replace(text, at, "\n"+fault+at, 1)
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// truncate cuts bytes off the end of a file.
func (s server) truncate(name string, bytes int64) {
	s.t.Helper()
	info, err := os.Stat(name)
	if err == nil {
		err = os.Truncate(name, info.Size()-bytes)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s server) output(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", fmt.Sprintf("PATH=%s/bin:%s:/usr/sbin:/sbin", s.dir, os.Getenv("PATH")))
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
