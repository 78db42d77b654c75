package apply_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/ignitions/apply"
)

// object is a JSON object.
type object = map[string]any

// write applies a configuration with the given sections to a file system with the groups sudo and
// docker, in which etc/systemd/system/old.service exists.
func write(t *testing.T, sections object) (root string, err error) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/shadow": "root:*:1::::::\n", "etc/gshadow": "root:*::\nsudo:*::\ndocker:*::\n",
		"etc/group": "root:x:0:\nsudo:x:27:\ndocker:x:999:\n", "etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\n",
		"etc/systemd/system/old.service": "[Service]\n", "home/.empty": "",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sections["ignition"] = object{"version": "2.3.0"}
	data, err := json.Marshal(sections)
	if err != nil {
		t.Fatal(err)
	}
	config, err := apply.Parse(data)
	if err != nil {
		return root, err
	}
	return root, apply.To(t.Context(), root, config)
}

// list returns a line for each file and link below root, without those that write has made.
func list(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		name := strings.TrimPrefix(path, root+"/")
		made := strings.Contains(" etc/passwd etc/shadow etc/gshadow etc/group etc/login.defs home/.empty ", " "+name+" ") || strings.HasSuffix(name, "-")
		skeleton := strings.HasPrefix(name, "home/cybozu/") && !strings.Contains(name, ".ssh") // from this machine's /etc/skel
		if err != nil || d.IsDir() || made || skeleton {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			target, err := os.Readlink(path)
			all = append(all, name+" -> "+target)
			return err
		}
		text, err := os.ReadFile(path)
		owner := info.Sys().(*syscall.Stat_t)
		all = append(all, fmt.Sprintf("%s %o %d:%d %q", name, info.Mode(), owner.Uid, owner.Gid, text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEachFieldThatTemplatesUseIsApplied(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077)) // modes do not depend on it
	file := func(path, text string, mode int) object {
		return object{"filesystem": "root", "path": path, "mode": mode, "contents": object{"source": "data:," + text}}
	}
	unit := func(name string, more object) object {
		more["name"] = name
		return more
	}
	for name, c := range map[string]struct {
		sections object
		want     []string
	}{
		"files": {
			object{"storage": object{"files": []any{file("/etc/hostname", "rack0-cs4%0A", 0o644), file("/opt/sbin/run", "%23!", 0o755)}}},
			[]string{`etc/hostname 644 0:0 "rack0-cs4\n"`, `etc/systemd/system-preset/20-ignition.preset 644 0:0 ""`, `etc/systemd/system/old.service 600 0:0 "[Service]\n"`, `opt/sbin/run 755 0:0 "#!"`},
		},
		"a file instead of another": {
			object{"storage": object{"files": []any{file("/etc/systemd/system/old.service", "new", 0o640)}}},
			[]string{`etc/systemd/system-preset/20-ignition.preset 644 0:0 ""`, `etc/systemd/system/old.service 640 0:0 "new"`},
		},
		"units": {
			object{"systemd": object{"units": []any{
				unit("a.service", object{"contents": "[Service]", "enabled": true}), unit("b.timer", object{"contents": "[Timer]"}),
				unit("c.service", object{"enabled": false}), unit("d.service", object{"mask": true}), unit("old.service", object{"mask": true}),
			}}},
			[]string{
				`etc/systemd/system-preset/20-ignition.preset 644 0:0 "enable a.service\ndisable c.service\n"`,
				`etc/systemd/system/a.service 644 0:0 "[Service]"`, `etc/systemd/system/b.timer 644 0:0 "[Timer]"`,
				`etc/systemd/system/d.service -> /dev/null`, `etc/systemd/system/old.service -> /dev/null`,
			},
		},
		"networkd units": {
			object{"networkd": object{"units": []any{unit("01-eth0.network", object{"contents": "[Match]"})}}},
			[]string{`etc/systemd/network/01-eth0.network 644 0:0 "[Match]"`, `etc/systemd/system-preset/20-ignition.preset 644 0:0 ""`, `etc/systemd/system/old.service 600 0:0 "[Service]\n"`},
		},
		"a user": {
			object{"passwd": object{"users": []any{object{"name": "cybozu", "groups": []any{"sudo", "docker"}, "sshAuthorizedKeys": []any{"ssh-rsa A a", "ssh-rsa B b"}}}}},
			[]string{`etc/systemd/system-preset/20-ignition.preset 644 0:0 ""`, `etc/systemd/system/old.service 600 0:0 "[Service]\n"`, `home/cybozu/.ssh/authorized_keys 600 1000:1000 "ssh-rsa A a\nssh-rsa B b\n"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			root, err := write(t, c.sections)
			if err != nil {
				t.Fatal(err)
			}
			got := list(t, root)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			group, err := os.ReadFile(filepath.Join(root, "etc/group"))
			if err != nil {
				t.Fatal(err)
			}
			if member := strings.Contains(string(group), "sudo:x:27:cybozu\ndocker:x:999:cybozu\n"); member != (name == "a user") {
				t.Errorf("groups:\n%s", group)
			}
		})
	}
}

func TestWhatCannotBeAppliedIsRefusedFirst(t *testing.T) {
	file := object{"filesystem": "root", "path": "/etc/a", "mode": 420, "contents": object{"source": "data:,a"}}
	for want, sections := range map[string]object{
		"Directories":         {"storage": object{"files": []any{file}, "directories": []any{object{"filesystem": "root", "path": "/etc/d", "mode": 493}}}},
		"Append":              {"storage": object{"files": []any{object{"filesystem": "root", "path": "/etc/a", "mode": 420, "append": true, "contents": object{"source": "data:,a"}}}}},
		"Dropins":             {"storage": object{"files": []any{file}}, "systemd": object{"units": []any{object{"name": "a.service", "dropins": []any{object{"name": "b.conf", "contents": "[Unit]"}}}}}},
		"PasswordHash":        {"storage": object{"files": []any{file}}, "passwd": object{"users": []any{object{"name": "a", "passwordHash": "x"}}}},
		"file /etc/a occurs":  {"storage": object{"files": []any{file, file}}},
		"unit a.timer occurs": {"systemd": object{"units": []any{object{"name": "a.timer", "mask": true}, object{"name": "a.timer", "enabled": true}}}},
		"unknown":             {"storage": object{"files": []any{file}}, "unknown": 1},
	} {
		root, err := write(t, sections)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := os.Stat(filepath.Join(root, "etc/a")); err == nil {
			t.Errorf("%s: something was written", want)
		}
	}
}
