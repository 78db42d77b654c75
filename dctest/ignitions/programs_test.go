package ignitions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestShellcheckFindsNothingInScripts(t *testing.T) {
	seen := map[string]bool{}
	for _, role := range roles(t) {
		root := nodeTree(t, role, 1, nil)
		scripts := []string{"--external-sources", "--source-path=" + root.path("/opt/lib/neco"), root.path("/opt/lib/neco/functions.sh")}
		for _, script := range root.scripts(t) {
			if name := filepath.Base(script); !seen[name] {
				seen[name] = true
				scripts = append(scripts, script)
			}
		}
		run(t, "shellcheck", scripts...)
	}
}

func TestBIRDAcceptsItsConfiguration(t *testing.T) {
	for _, rack := range []uint{0, 1, 5} {
		run(t, "bird", "-p", "-c", nodeTree(t, "cs", rack, nil).path("/etc/bird/bird.conf"))
	}
}

func TestBIRDPeersWithTheSwitchesOfItsRack(t *testing.T) {
	conf := nodeTree(t, "cs", 5, nil).read(t, "/etc/bird/bird.conf")
	for _, want := range []string{"router id 10.69.3.196;", "local as 64605;", "neighbor 10.69.4.1 as 64605;", "neighbor 10.69.4.65 as 64605;"} {
		if !strings.Contains(conf, want) {
			t.Errorf("no %q in\n%s", want, conf)
		}
	}
}

func TestChronydAcceptsItsConfiguration(t *testing.T) {
	conf := nodeTree(t, "cs", 1, nil).path("/etc/chrony.conf")
	out, err := exec.CommandContext(t.Context(), lookPath(t, "chronyd"), "-p", "-f", conf).CombinedOutput()
	if err != nil {
		t.Fatalf("chronyd: %v\n%s", err, out)
	}
	// It prints the directives that it has read.
	for _, want := range []string{"server 10.69.0.3 iburst", "server 10.69.1.131 iburst", "maxupdateskew 100", "makestep 0.1 3", "rtcsync",
		"leapsecmode slew", "maxslewrate 1000", "smoothtime 400 0.001 leaponly", "lock_all"} {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// nodePrograms are the programs of Flatcar that units start.
func nodePrograms() []string {
	return []string{"/bin/sh", "/bin/kill", "/usr/bin/docker", "/usr/bin/env", "/usr/bin/udevadm"}
}

// downloadedPrograms are the programs that scripts download before units start them.
func downloadedPrograms() []string {
	return []string{"/opt/sbin/containerd", "/opt/sbin/node_exporter"}
}

// TestSystemdAcceptsUnits lets systemd load all units of a node together with its own ones,
// and start the default target, so that it also finds cycles.
func TestSystemdAcceptsUnits(t *testing.T) {
	for _, role := range roles(t) {
		root := nodeTree(t, role, 1, nil)
		for _, name := range append(nodePrograms(), downloadedPrograms()...) {
			root.write(t, name, "", 0o755)
		}
		root.addSystem(t)
		root.enable(t)
		root.addMounts(t)
		units, err := filepath.Glob(root.path("/etc/systemd/system/*.*"))
		if err != nil {
			t.Fatal(err)
		}
		args := []string{"verify", "--root=" + string(root), "--man=no", "multi-user.target"}
		for _, unit := range units {
			if info, err := os.Lstat(unit); err != nil || info.Mode().Type() == os.ModeSymlink { // masked
				continue
			}
			if !strings.HasSuffix(unit, ".d") && !strings.HasSuffix(unit, ".wants") && !strings.HasSuffix(unit, ".requires") {
				args = append(args, filepath.Base(unit))
			}
		}
		run(t, "systemd-analyze", args...)
	}
}

// addSystem copies the units of this system's systemd, and adds those of Flatcar that the
// node's units need. It enables what Flatcar enables.
func (root tree) addSystem(t *testing.T) {
	t.Helper()
	dir := "/usr/lib/systemd/system"
	if _, err := os.Stat(dir + "/basic.target"); err != nil {
		dir = "/lib/systemd/system"
	}
	if err := os.CopyFS(root.path(dir), os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	root.write(t, "/etc/systemd/system/docker.socket", "[Socket]\nListenStream=/run/docker.sock\n[Install]\nWantedBy=sockets.target\n", 0o644)
	for unit, target := range map[string]string{
		"systemd-networkd.service":             "multi-user.target",
		"systemd-networkd-wait-online.service": "network-online.target",
		"systemd-pstore.service":               "sysinit.target",
	} {
		root.want(t, target, dir+"/"+unit)
	}
}
