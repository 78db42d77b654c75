package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFlagsMayHaveOneDash(t *testing.T) {
	got := twoDashes([]string{"-config-file", "a", "--interval=1s", "-h", "-", "-parallel=3"})
	if want := []string{"--config-file", "a", "--interval=1s", "-h", "-", "--parallel=3"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAWrongStartIsNamed(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yml")
	if err := os.WriteFile(bad, []byte("machine-types:\n- name: a\n  grace-period: soon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for want, args := range map[string][]string{
		"--interval 10ms is too short":                    {"-interval", "10ms"},
		"--etcd-session-ttl 0s is too short":              {"-etcd-session-ttl", "0s"},
		"--parallel is 0":                                 {"-parallel", "0"},
		"--sabakan-url":                                   {"-sabakan-url", "localhost:10080"},
		"none.yml: no such file":                          {"-config-file", "none.yml"},
		"bad.yml: line 3: grace-period of machine type a": {"-config-file", bad},
		"unknown flag":                                    {"-verbose"},
		"no such file":                                    {"-config-file", "../../etc/sabakan-state-setter.yml", "-root", root},
		root + "/usr/share/neco/sabakan-state-setter.yml": {"-root", root},
	} {
		cmd := newCommand()
		cmd.SetArgs(twoDashes(args))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}
