//go:build sandbox

package main

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
	"github.com/cybozu-go/neco/pkg/release"
)

// TestPublishedPackagesContainCKE checks that an update to a package that publish has built
// does not remove CKE, which the packages of make run-keep contain.
func TestPublishedPackagesContainCKE(t *testing.T) {
	v := release.Version{Date: 20260101, Serial: 1}
	deb, err := buildDeb(t.Context(), sandboxtest.Root(t), t.TempDir(), v, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	files, err := exec.CommandContext(t.Context(), "dpkg-deb", "--contents", deb).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/usr/sbin/cke", "/usr/sbin/cke-localproxy", "/usr/bin/ckecli", "/lib/systemd/system/cke.service"} {
		if !strings.Contains(string(files), " ."+name) {
			t.Errorf("the package does not contain %s", name)
		}
	}
}
