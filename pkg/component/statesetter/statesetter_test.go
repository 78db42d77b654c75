package statesetter_test

import (
	"slices"
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/statesetter"
	"github.com/cybozu-go/neco/pkg/host"
)

func TestItIsRestartedWhenAFileOfThePackageChanges(t *testing.T) {
	units, h := componenttest.New(t)
	c := statesetter.Component{}
	put := func(path, text string) {
		t.Helper()
		if _, err := h.FS.Write(host.File{Path: path, Data: []byte(text), Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	apply := func(want ...string) {
		t.Helper()
		if _, err := component.Converge(t.Context(), h, c, componenttest.Target()); err != nil {
			t.Fatal(err)
		}
		if did := units.Did(); !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
	}
	if here, err := component.Installed(h.FS, c); here || err != nil {
		t.Errorf("installed on an empty host (%v)", err)
	}
	put("/usr/bin/sabakan-state-setter", "1")
	if here, err := component.Installed(h.FS, c); !here || err != nil {
		t.Errorf("not installed (%v)", err)
	}
	apply("restart sabakan-state-setter")
	apply()
	put("/usr/share/neco/sabakan-state-setter.yml", "machine-types: []\n")
	apply("restart sabakan-state-setter")
	put("/usr/bin/sabakan-state-setter", "2")
	apply("restart sabakan-state-setter")
	apply()
}
