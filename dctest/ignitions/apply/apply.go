// Package apply writes what an Ignition configuration describes into the file system of a node, as
// the program ignition does in the first boot of Flatcar. It knows what Neco's templates use.
package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	ignition "github.com/coreos/ignition/config/v2_3"
	"github.com/coreos/ignition/config/v2_3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/vincent-petithory/dataurl"
)

// Preset is the file that tells systemd which units to enable at the first boot.
const Preset = "/etc/systemd/system-preset/20-ignition.preset"

// Parse returns the configuration in data. A warning of Ignition's parser, such as a field that it
// does not know, and a path or a unit that occurs twice, which the parser does not check, are
// errors.
func Parse(data []byte) (types.Config, error) {
	config, report, err := ignition.Parse(data)
	switch {
	case len(report.Entries) > 0:
		return config, fmt.Errorf("ignition: %s", strings.TrimSpace(report.String()))
	case err != nil:
		return config, fmt.Errorf("ignition: %w", err)
	}
	return config, once(config)
}

// once returns an error if a file or unit occurs twice.
func once(c types.Config) error {
	seen := map[string]bool{}
	var err error
	note := func(what string) {
		if seen[what] {
			err = errors.Join(err, fmt.Errorf("ignition: %s occurs twice", what))
		}
		seen[what] = true
	}
	for _, f := range c.Storage.Files {
		note("file " + f.Path)
	}
	for _, u := range c.Systemd.Units {
		note("unit " + u.Name)
	}
	for _, u := range c.Networkd.Units {
		note("networkd unit " + u.Name)
	}
	return err
}

// To applies a configuration to the file system below root. Files belong to root. It fails before
// it writes anything if the configuration has fields that no template of Neco uses.
func To(ctx context.Context, root string, c types.Config) error {
	if diff := cmp.Diff(known(c), c); diff != "" {
		return fmt.Errorf("the configuration has fields that cannot be applied here (+):\n%s", diff)
	}
	fsys, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer fsys.Close()
	t := tree{root: fsys}
	for _, f := range c.Storage.Files {
		if err := t.file(f); err != nil {
			return fmt.Errorf("file %s: %w", f.Path, err)
		}
	}
	for _, u := range c.Networkd.Units {
		if err := t.write("/etc/systemd/network/"+u.Name, []byte(u.Contents), 0o644); err != nil {
			return fmt.Errorf("networkd unit %s: %w", u.Name, err)
		}
	}
	if err := t.units(c.Systemd.Units); err != nil {
		return err
	}
	for _, u := range c.Passwd.Users {
		if err := t.user(ctx, u); err != nil {
			return fmt.Errorf("user %s: %w", u.Name, err)
		}
	}
	return nil
}

// known returns the fields of a configuration that To applies.
func known(c types.Config) types.Config {
	var k types.Config
	k.Ignition.Version = c.Ignition.Version
	for _, f := range c.Storage.Files {
		var only types.File
		only.Filesystem, only.Path, only.Mode, only.Contents.Source = "root", f.Path, f.Mode, f.Contents.Source
		k.Storage.Files = append(k.Storage.Files, only)
	}
	for _, u := range c.Networkd.Units {
		k.Networkd.Units = append(k.Networkd.Units, types.Networkdunit{Name: u.Name, Contents: u.Contents})
	}
	for _, u := range c.Systemd.Units {
		k.Systemd.Units = append(k.Systemd.Units, types.Unit{Name: u.Name, Contents: u.Contents, Enabled: u.Enabled, Mask: u.Mask})
	}
	for _, u := range c.Passwd.Users {
		k.Passwd.Users = append(k.Passwd.Users, types.PasswdUser{Name: u.Name, Groups: u.Groups, SSHAuthorizedKeys: u.SSHAuthorizedKeys})
	}
	return k
}

// tree is the file system of a node. Its paths are absolute.
type tree struct{ root *os.Root }

func (t tree) file(f types.File) error {
	contents, err := dataurl.DecodeString(f.Contents.Source)
	if err != nil {
		return err
	}
	if f.Mode == nil {
		return errors.New("it has no mode")
	}
	return t.write(f.Path, contents.Data, fs.FileMode(*f.Mode))
}

// write replaces a file, with its mode whatever the umask is.
func (t tree) write(name string, data []byte, mode fs.FileMode) error {
	name = strings.TrimPrefix(name, "/")
	if err := t.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := t.root.WriteFile(name, data, mode); err != nil {
		return err
	}
	return t.root.Chmod(name, mode)
}

// units writes the units of systemd, and which of them are enabled.
func (t tree) units(all []types.Unit) error {
	var preset strings.Builder
	for _, u := range all {
		if err := t.unit("/etc/systemd/system/"+u.Name, u); err != nil {
			return fmt.Errorf("unit %s: %w", u.Name, err)
		}
		switch {
		case u.Enabled == nil:
		case *u.Enabled:
			fmt.Fprintf(&preset, "enable %s\n", u.Name)
		default:
			fmt.Fprintf(&preset, "disable %s\n", u.Name)
		}
	}
	return t.write(Preset, []byte(preset.String()), 0o644)
}

func (t tree) unit(name string, u types.Unit) error {
	switch {
	case u.Mask:
		name = strings.TrimPrefix(name, "/")
		if err := t.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := t.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return t.root.Symlink("/dev/null", name)
	case u.Contents != "":
		return t.write(name, []byte(u.Contents), 0o644)
	}
	return nil
}

// user creates a user with a home directory and a group of the same name. The groups must exist.
func (t tree) user(ctx context.Context, u types.PasswdUser) error {
	var groups []string
	for _, g := range u.Groups {
		groups = append(groups, string(g))
	}
	out, err := exec.CommandContext(ctx, "useradd", "--prefix", t.root.Name(), "--create-home", "--user-group",
		"--groups", strings.Join(groups, ","), u.Name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("useradd: %w: %s", err, out)
	}
	var keys strings.Builder
	for _, k := range u.SSHAuthorizedKeys {
		fmt.Fprintln(&keys, k)
	}
	dir := "home/" + u.Name + "/.ssh"
	file := dir + "/authorized_keys"
	if err := errors.Join(t.root.Mkdir(dir, 0o700), t.root.WriteFile(file, []byte(keys.String()), 0o600)); err != nil {
		return err
	}
	uid, gid, err := t.ids(u.Name)
	if err != nil {
		return err
	}
	return errors.Join(t.root.Chown(dir, uid, gid), t.root.Chown(file, uid, gid))
}

// ids returns the numbers of a user and of its group.
func (t tree) ids(name string) (uid, gid int, err error) {
	data, err := t.root.ReadFile("etc/passwd")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(line, ":")
		if fields[0] != name || len(fields) < 4 {
			continue
		}
		uid, err1 := strconv.Atoi(fields[2])
		gid, err2 := strconv.Atoi(fields[3])
		return uid, gid, errors.Join(err1, err2)
	}
	return 0, 0, fmt.Errorf("etc/passwd has no user %s", name)
}
