package ignitions_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/coreos/ignition/config/v2_3/types"

	"github.com/cybozu-go/neco/dctest/ignitions/apply"
)

// tree is the root file system of a node, with the files and units of its Ignition
// configuration.
type tree string

// nodeTree writes the files and units of the first node of a role in a rack.
func nodeTree(t *testing.T, role string, rack uint, changes map[string]any) tree {
	t.Helper()
	return newTree(t, parse(t, machine(t, role, rack, 4), metadata(changes)))
}

// newTree writes the files and units of a configuration.
func newTree(t *testing.T, c types.Config) tree {
	t.Helper()
	root := tree(t.TempDir())
	c.Passwd = types.Passwd{} // there are no groups
	if err := apply.To(t.Context(), string(root), c); err != nil {
		t.Fatal(err)
	}
	return root
}

// path returns where the file of a node is.
func (root tree) path(name string) string { return filepath.Join(string(root), name) }

func (root tree) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := root.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func (root tree) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(root.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// scripts returns the names of the scripts of the node.
func (root tree) scripts(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(root.path("/opt/sbin/*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	return found
}

// run runs a program that tests need. It fails if the program prints anything or fails.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), lookPath(t, name), args...).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

// lookPath returns the path of a program. Some distributions keep those of daemons out of
// the path of users.
func lookPath(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	t.Fatalf("%s is missing: make test-ignitions installs it", name)
	return ""
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// link makes a symbolic link of the node.
func (root tree) link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(root.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, root.path(name)); err != nil {
		t.Fatal(err)
	}
}
