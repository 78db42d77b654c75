package steps_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

// The actions that stop and start CKE.
var (
	ckeStopAt  = update.Place{Step: 11}
	ckeWriteAt = update.Place{Step: ckeStep}
	ckeStartAt = update.Place{Step: ckeStep, Action: 2}
)

// packageOfCKE makes the host as it is after the installation of a package with a version
// of CKE, in place of an older one.
func packageOfCKE(t *testing.T, root, version string) {
	t.Helper()
	dir := filepath.Join(root, "usr/lib/neco/cke")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cke", "cke-localproxy", "ckecli"} {
		if err := os.MkdirAll(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, version, name), []byte(version), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// withCKERunning returns a host that runs the version 1.22.5 of CKE, and the root of its file
// system.
func withCKERunning(t *testing.T) (*componenttest.Host, *steps.Host, string) {
	t.Helper()
	_, units, h, ch := newHost(t)
	put(t, ch.FS, neco.CKECertFile, "x")
	root := ch.FS.Path("/")
	packageOfCKE(t, root, "1.22.5")
	doAll(t, h, ckeStopAt, ckeWriteAt, ckeStartAt)
	if did := units.Did(); !slices.Equal(did, []string{"restart cke", "restart cke-localproxy"}) {
		t.Fatalf("did %q", did)
	}
	return units, h, root
}

func doAll(t *testing.T, h *steps.Host, places ...update.Place) {
	t.Helper()
	tg, _ := target(neco.ProdEnv)
	for _, p := range places {
		if _, err := h.Do(t.Context(), p, tg); err != nil {
			t.Fatal(err)
		}
	}
}

func runs(t *testing.T, root string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "var/lib/neco/cke/current/cke"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCKEIsStoppedBeforeItsNextVersionStarts(t *testing.T) {
	units, h, root := withCKERunning(t)
	doAll(t, h, ckeStopAt, ckeWriteAt, ckeStartAt)
	if did := units.Did(); did != nil {
		t.Errorf("without another version, did %q", did)
	}
	packageOfCKE(t, root, "1.22.6")
	doAll(t, h, ckeStopAt, ckeWriteAt)
	if did := units.Did(); !slices.Equal(did, []string{"disable cke-localproxy", "stop cke-localproxy", "disable cke", "stop cke"}) {
		t.Errorf("did %q", did)
	}
	if got := runs(t, root); got != "1.22.5" {
		t.Errorf("a start runs %s before the barrier", got)
	}
	doAll(t, h, ckeStartAt)
	if did := units.Did(); !slices.Equal(did, []string{"restart cke", "restart cke-localproxy"}) {
		t.Errorf("did %q", did)
	}
	if got := runs(t, root); got != "1.22.6" {
		t.Errorf("a start runs %s", got)
	}
}

func TestAStoppedCKERunsAgainOnEachWayOut(t *testing.T) {
	for side, want := range map[update.Side]string{update.SideOld: "1.22.5", update.SideNew: "1.22.6"} {
		units, h, root := withCKERunning(t)
		packageOfCKE(t, root, "1.22.6")
		doAll(t, h, ckeStopAt, ckeWriteAt)
		units.Did()
		tg, _ := target(neco.ProdEnv)
		for range 2 {
			if err := h.Restore(t.Context(), program.CKE, side, tg); err != nil {
				t.Fatal(err)
			}
		}
		for _, u := range []string{neco.CKEService, neco.CKELocalProxyService} {
			if active, err := units.IsActive(t.Context(), u); !active || err != nil || !units.AtBoot(u) {
				t.Errorf("%v: %s: active %t, at boot %t, %v", side, u, active, units.AtBoot(u), err)
			}
		}
		if got := runs(t, root); got != want {
			t.Errorf("%v: runs %s, want %s", side, got, want)
		}
	}
}

func TestACKEThatIsNotInThePackageIsLeftAlone(t *testing.T) {
	_, units, h, ch := newHost(t)
	put(t, ch.FS, neco.CKECertFile, "x")
	tg, _ := target(neco.ProdEnv)
	for _, p := range []update.Place{ckeStopAt, ckeStartAt} {
		if note, err := h.Do(t.Context(), p, tg); note != "cke is not installed here: left alone" || err != nil {
			t.Errorf("%v: note %q, %v", p, note, err)
		}
	}
	put(t, ch.FS, "/usr/sbin/cke", "installed by an operator")
	doAll(t, h, ckeStopAt, ckeWriteAt, ckeStartAt)
	if did := units.Did(); !slices.Equal(did, []string{"restart cke", "restart cke-localproxy"}) {
		t.Errorf("did %q", did)
	}
}
