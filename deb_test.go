package neco

import (
	"runtime"
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
	t.Run("takes one version of a package for two architectures", func(t *testing.T) {
		program(t, "dpkg-query", `case "$3" in *"\n"*) printf "installed 1.3.0 s390x\ninstalled 1.4.0 `+runtime.GOARCH+`\n" ;; *) printf 'installed 1.3.0installed 1.4.0' ;; esac`)
		if v, err := GetDebianVersion("etcdpasswd"); err != nil || v != "1.4.0" {
			t.Errorf("GetDebianVersion = %q, %v", v, err)
		}
	})
	t.Run("names a package that is absent", func(t *testing.T) {
		program(t, "dpkg-query", "echo no packages found matching neco >&2; exit 1")
		if _, err := GetDebianVersion("neco"); err == nil || !strings.Contains(err.Error(), "no packages found") {
			t.Errorf("GetDebianVersion: %v", err)
		}
	})
}
