package ignitions_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// enable makes the links that Ignition's presets make for the enabled units.
func (root tree) enable(t *testing.T) {
	t.Helper()
	const dir = "/etc/systemd/system"
	units, err := os.ReadDir(root.path(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range units {
		if unit.IsDir() {
			continue
		}
		for line := range strings.Lines(root.read(t, dir+"/"+unit.Name())) {
			targets, found := strings.CutPrefix(line, "WantedBy=")
			if !found {
				continue
			}
			for target := range strings.FieldsSeq(targets) {
				root.want(t, target, dir+"/"+unit.Name())
			}
		}
	}
}

// want makes the link that enables the unit in the file for a target.
func (root tree) want(t *testing.T, target, file string) {
	t.Helper()
	wants := root.path("/etc/systemd/system/" + target + ".wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(wants, filepath.Base(file))); err != nil {
		t.Fatal(err)
	}
}

// addMounts lets systemd's generator make the mount units of /etc/fstab.
func (root tree) addMounts(t *testing.T) {
	t.Helper()
	generator := "/usr/lib/systemd/system-generators/systemd-fstab-generator"
	if !isExecutable(generator) {
		generator = strings.TrimPrefix(generator, "/usr")
	}
	cmd := exec.CommandContext(t.Context(), generator, root.path("/etc/systemd/system"), t.TempDir(), t.TempDir())
	cmd.Env = append(os.Environ(), "SYSTEMD_FSTAB="+root.path("/etc/fstab"), "SYSTEMD_LOG_TARGET=console")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", generator, err, out)
	}
}

// mountOptions returns the options of each mount point in /etc/fstab.
func (root tree) mountOptions(t *testing.T) map[string]string {
	t.Helper()
	options := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(root.read(t, "/etc/fstab")))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 6 {
			t.Errorf("fstab: %q has %d fields", line, len(fields))
			continue
		}
		options[fields[1]] = fields[0] + " " + fields[2] + " " + fields[3]
	}
	return options
}

func TestTheFileSystemsOfVolumesAreMountedAfterTheyAreMade(t *testing.T) {
	all := nodeTree(t, "boot", 1, nil).mountOptions(t)
	for volume, dir := range map[string]string{
		"k8s-containerd": "/var/lib/k8s-containerd", "docker": "/var/lib/docker", "kubelet": "/var/lib/kubelet",
		"systemd": "/var/lib/systemd", "coredump": "/var/lib/systemd/coredump",
	} {
		want := "/dev/vg1/" + volume + " ext4 nofail,x-systemd.requires=setup-var.service,x-systemd.before=local-fs.target,x-systemd.device-timeout=600s"
		if all[dir] != want {
			t.Errorf("%s: %s", dir, all[dir])
		}
	}
	if !strings.HasPrefix(all["/var/lib/rook"], "tmpfs tmpfs ") || !strings.HasPrefix(all["/var/log"], "/var/lib/kubelet/varlog none bind,") || len(all) != 7 {
		t.Errorf("%v", all)
	}
}
