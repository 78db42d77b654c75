//go:build dctest

package menu

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBIRDReadsItsConfigurations parses them with bird itself.
func TestBIRDReadsItsConfigurations(t *testing.T) {
	for name, menu := range map[string]string{
		"every kind of node": "testdata/menu.yml",
		"one rack":           "../../../dctest/menu-1.yml",
		"three racks":        "../../../dctest/menu.yml",
		"five racks":         "../../../dctest/menu-5.yml",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := filesOf(t, menu)
			if err := Write(dir, files); err != nil {
				t.Fatal(err)
			}
			for file := range files {
				if !strings.HasPrefix(file, "bird_") {
					continue
				}
				out, err := exec.CommandContext(t.Context(), "bird", "-p", "-c", filepath.Join(dir, file)).CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%s", file, err, out)
				}
			}
		})
	}
}
