package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func TestProgramWritesWhatCanBeLoaded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dc")
	cmd := newCommand()
	cmd.SetArgs([]string{"-f", "../../dctest/menu.yml", "-o", dir})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		names := append([]string{n.BirdConf}, n.Scripts...)
		for _, s := range n.Services {
			names = append(names, s.Config)
		}
		if n.Server != nil {
			names = append(names, n.Server.Seed)
		}
		for _, name := range names {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s: %v", n.Name, err)
			}
		}
	}
}

func TestProgramRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no flags":      {nil, "file"},
		"no directory":  {[]string{"-f", "menu.yml"}, "output"},
		"no such menu":  {[]string{"-f", "testdata/none.yml", "-o", "x"}, "testdata/none.yml"},
		"more than one": {[]string{"-f", "a", "-o", "b", "c"}, `unknown command "c"`},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := newCommand()
			cmd.SetArgs(c.args)
			if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
