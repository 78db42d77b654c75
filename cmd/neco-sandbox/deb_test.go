package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestAVersionThatIsNoneBuildsNothing runs debian/build, the script of make deb, with
// malformed versions.
func TestAVersionThatIsNoneBuildsNothing(t *testing.T) {
	tests := []struct{ name, version, want string }{
		{"no day of the calendar", "2026.02.30-1", "begins with a day that does not exist"},
		{"two words", "2026.11.21-1 2026.11.21-2", "is not of the form"},
		{"two lines", "2026.11.21-1\n2026.11.21-2", "is not of the form"},
		{"a command", "2026.11.21-1;touch made", "is not of the form"},
		{"a substitution", "$(touch made)", "is not of the form"},
		{"nothing", "", "is not of the form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := exec.CommandContext(t.Context(), "../../debian/build", dir+"/out", tt.version).CombinedOutput()
			if err == nil || !strings.Contains(string(out), tt.want) || strings.Count(string(out), "version ") != 1 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	for _, version := range []string{"2024.02.29-0", "9999.12.31-99999"} {
		t.Run(version, func(t *testing.T) {
			if out, err := exec.CommandContext(t.Context(), "../../debian/build", "--check", version).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
