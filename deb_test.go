package neco

import (
	"strings"
	"testing"
)

func TestGetDebianVersion(t *testing.T) {
	t.Run("tells the version of an installed package", func(t *testing.T) {
		program(t, "dpkg-query", "printf 'installed 1.2-3'")
		if v, err := GetDebianVersion("neco"); err != nil || v != "1.2-3" {
			t.Errorf("GetDebianVersion = %q, %v", v, err)
		}
	})
	t.Run("does not take a half-installed package for one", func(t *testing.T) {
		program(t, "dpkg-query", "printf 'half-configured 1.2-3'")
		if _, err := GetDebianVersion("neco"); err == nil || !strings.Contains(err.Error(), "neco is half-configured") {
			t.Errorf("GetDebianVersion: %v", err)
		}
	})
	t.Run("names a package that is absent", func(t *testing.T) {
		program(t, "dpkg-query", "echo no packages found matching neco >&2; exit 1")
		if _, err := GetDebianVersion("neco"); err == nil || !strings.Contains(err.Error(), "no packages found") {
			t.Errorf("GetDebianVersion: %v", err)
		}
	})
}
