package neco

import (
	"os"
	"path/filepath"
	"testing"
)

// program writes a shell script called name and puts its directory first in PATH.
func program(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestDetectHardware(t *testing.T) {
	cases := map[string]struct {
		virt   string
		vendor string
		want   HardwareType
		ok     bool
	}{
		"a virtual machine":   {"echo kvm", "", HWTypeVM, true},
		"a container":         {"echo systemd-nspawn", "", HWTypeContainer, true},
		"a Dell server":       {"echo none; exit 1", "Dell Inc.\n", HWTypeDell, true},
		"another vendor":      {"echo none; exit 1", "Tyrell Corp.\n", HWTypeNil, false},
		"another virtuality":  {"echo dream", "", HWTypeNil, false},
		"no answer whatever":  {"exit 1", "Dell Inc.\n", HWTypeNil, false},
		"an unreadable board": {"echo none; exit 1", "", HWTypeNil, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			program(t, "systemd-detect-virt", c.virt)
			got, err := detectHardware(tempFile(t, c.vendor))
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("detectHardware = %v, %v", got, err)
			}
		})
	}
}
