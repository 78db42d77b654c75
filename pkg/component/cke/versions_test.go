package cke_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/cke"
	"github.com/cybozu-go/neco/pkg/host"
)

// unpack puts the programs of a version of CKE, with the given text, where dpkg puts those
// of a package, in place of the version before. An empty version removes CKE.
func unpack(t *testing.T, fsys host.FS, version, text string) {
	t.Helper()
	dir := fsys.Path("/usr/lib/neco/cke")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if version == "" {
		return
	}
	for _, name := range []string{"cke", "cke-localproxy", "ckecli"} {
		file := filepath.Join(dir, version, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(name+" "+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// starts returns the contents of the file that a start of CKE executes.
func starts(t *testing.T, fsys host.FS) string {
	t.Helper()
	data, err := os.ReadFile(fsys.Path("/var/lib/neco/cke/current/cke"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func kept(t *testing.T, fsys host.FS) []string {
	t.Helper()
	entries, err := os.ReadDir(fsys.Path("/var/lib/neco/cke"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestANewPackageDoesNotChangeWhatRuns(t *testing.T) {
	units, h := componenttest.New(t)
	c, target := cke.Component{}, componenttest.Target()
	converge := func(want string) {
		t.Helper()
		if _, err := component.Converge(t.Context(), h, c, target); err != nil {
			t.Fatal(err)
		}
		if did := strings.Join(units.Did(), ", "); did != want {
			t.Errorf("did %q, want %q", did, want)
		}
	}
	const restart = "restart cke, restart cke-localproxy"
	unpack(t, h.FS, "1.22.5", "a")
	converge(restart)
	for _, next := range []string{"1.22.6", "1.22.7"} {
		was := starts(t, h.FS)
		unpack(t, h.FS, next, next)
		if _, err := component.Write(t.Context(), h, c, target); err != nil {
			t.Fatal(err)
		}
		if got := starts(t, h.FS); got != was {
			t.Errorf("with the package of %s, a start runs %q; want %q", next, got, was)
		}
		if mixes, err := component.MayMix(t.Context(), h, c, target); mixes || err != nil {
			t.Errorf("%s may run beside the one before (%v)", next, err)
		}
		converge(restart)
		if got := starts(t, h.FS); got != "cke "+next {
			t.Errorf("after the switch, a start runs %q", got)
		}
		converge("")
	}
	if names := kept(t, h.FS); !slices.Equal(names, []string{"1.22.6", "1.22.7", "current"}) {
		t.Errorf("kept are %q", names)
	}

	unpack(t, h.FS, "1.22.7", "built again")
	if mixes, err := component.MayMix(t.Context(), h, c, target); !mixes || err != nil {
		t.Errorf("the same version does not mix (%v)", err)
	}
	converge(restart)
	if got := starts(t, h.FS); got != "cke built again" {
		t.Errorf("a start runs %q", got)
	}

	unpack(t, h.FS, "", "")
	if mixes, err := component.MayMix(t.Context(), h, c, target); !mixes || err != nil {
		t.Errorf("a package without CKE stops it (%v)", err)
	}
}

// neco init-local, which writes and starts CKE and calls Started, does not switch to the
// package's version. The next update must do so.
func TestASetUpBesideAnotherPackageRecordsNothing(t *testing.T) {
	for name, next := range map[string][2]string{"another version": {"1.22.6", "b"}, "built again": {"1.22.5", "b"}} {
		t.Run(name, func(t *testing.T) {
			_, h := componenttest.New(t)
			c, target := cke.Component{}, componenttest.Target()
			setUp := func() {
				t.Helper()
				if _, err := component.Write(t.Context(), h, c, target); err != nil {
					t.Fatal(err)
				}
				if err := component.Started(h, c, target); err != nil {
					t.Fatal(err)
				}
			}
			unpack(t, h.FS, "1.22.5", "a")
			setUp()
			if changes, err := component.Changes(t.Context(), h, c, target); len(changes) != 0 || err != nil {
				t.Errorf("after the first set-up, the next update restarts CKE: %q, %v", changes, err)
			}
			unpack(t, h.FS, next[0], next[1])
			setUp()
			if got := starts(t, h.FS); got != "cke a" {
				t.Errorf("the set-up makes CKE start %q", got)
			}
			if restarted, err := component.Converge(t.Context(), h, c, target); !restarted || err != nil {
				t.Errorf("the update does not restart CKE (%v)", err)
			}
			if got := starts(t, h.FS); got != "cke "+next[1] {
				t.Errorf("after the update, a start runs %q", got)
			}
		})
	}
}

// A record that an earlier neco init-local has written names a version that does not run.
func TestTheVersionThatRunsCountsMoreThanTheRecord(t *testing.T) {
	_, h := componenttest.New(t)
	c, target := cke.Component{}, componenttest.Target()
	unpack(t, h.FS, "1.22.6", "b")
	if _, err := component.Converge(t.Context(), h, c, target); err != nil {
		t.Fatal(err)
	}
	if err := h.FS.Link("1.22.5", "/var/lib/neco/cke/current"); err != nil {
		t.Fatal(err)
	}
	changes, err := component.Changes(t.Context(), h, c, target)
	if err != nil || !slices.Equal(changes, []string{"version 1.22.6 in place of 1.22.5"}) {
		t.Errorf("changes %q, %v", changes, err)
	}
}

func TestACKEOfUnknownVersionIsStopped(t *testing.T) {
	units, h := componenttest.New(t)
	unpack(t, h.FS, "1.22.5", "a")
	if mixes, err := component.MayMix(t.Context(), h, cke.Component{}, componenttest.Target()); !mixes || err != nil {
		t.Errorf("where none runs, the new one may not run (%v)", err)
	}
	if err := units.Start(t.Context(), "cke"); err != nil {
		t.Fatal(err)
	}
	if mixes, err := component.MayMix(t.Context(), h, cke.Component{}, componenttest.Target()); mixes || err != nil {
		t.Errorf("one that an operator has installed may run beside the new one (%v)", err)
	}
}

func TestTheSwitchIsRepeatedAfterACrash(t *testing.T) {
	_, h := componenttest.New(t)
	c := cke.Component{}
	unpack(t, h.FS, "1.22.5", "a")
	if err := c.Switch(h.FS); err != nil {
		t.Fatal(err)
	}
	unpack(t, h.FS, "1.22.6", "b")
	// What a crash at any moment leaves: an incomplete file, and a link beside the old one.
	for path, text := range map[string]string{"1.22.6/cke": "b", "1.22.6/.ckecli.neco-new": "half", ".current.neco-new": "x"} {
		if _, err := h.FS.Write(host.File{Path: "/var/lib/neco/cke/" + path, Data: []byte(text), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	if got := starts(t, h.FS); got != "cke a" {
		t.Errorf("a start runs %q before the switch", got)
	}
	if err := c.Switch(h.FS); err != nil {
		t.Fatal(err)
	}
	if got := starts(t, h.FS); got != "cke b" {
		t.Errorf("a start runs %q after the switch", got)
	}
	info, err := h.FS.Stat("/var/lib/neco/cke/current/ckecli")
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("ckecli: %v, %v", info, err)
	}
}

func TestTwoVersionsInThePackageAreAnError(t *testing.T) {
	_, h := componenttest.New(t)
	unpack(t, h.FS, "1.22.5", "a")
	if err := os.Mkdir(h.FS.Path("/usr/lib/neco/cke/1.22.6"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err := cke.Component{}.Versions(h.FS)
	if err == nil || !strings.Contains(err.Error(), "/usr/lib/neco/cke has several versions") {
		t.Errorf("error %v", err)
	}
}
