package placemat

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEmptyControlGroupsOfAServerAreRemovedAndOthersStay uses directories for control
// groups: a file in a directory prevents its removal, as a process in a group does.
func TestEmptyControlGroupsOfAServerAreRemovedAndOthersStay(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{
		"memory/docker/aaa/system.slice/docker-111.scope",
		"systemd/docker/aaa/system.slice/docker-222.scope",
		"unified/system.slice/docker-aaa.scope/init.scope",
		"memory/docker/bbb/system.slice/docker-333.scope",
		"memory/docker/ccc/system.slice/docker-444.scope",
		"memory/system.slice/docker.service",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	busy := filepath.Join(root, "memory/docker/ccc/system.slice/docker-444.scope/process")
	if err := os.WriteFile(busy, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := removeGroups(root, []string{"aaa", "ccc"}); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if entries, _ := os.ReadDir(p); d.IsDir() && len(entries) == 0 {
			left = append(left, p[len(root)+1:])
		}
		return err
	})
	want := []string{"memory/docker/bbb/system.slice/docker-333.scope", "memory/system.slice/docker.service", "systemd/docker", "unified/system.slice"}
	if diff := cmp.Diff(want, left); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := os.Stat(busy); err != nil {
		t.Error("a group with a process is gone")
	}
	if err := removeGroups(root+"/none", []string{"aaa"}); err != nil {
		t.Errorf("a machine without control groups: %v", err)
	}
}
