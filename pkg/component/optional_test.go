package component_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// store is a component that has data and a probe, and a file of which only a part
// requires a restart.
type store struct {
	program
	probe func() error
}

// Name returns the name of a program that has a directory for its data in package
// program.
func (store) Name() string { return "sabakan" }

func (s store) Probe(context.Context, component.Host, component.Target) error { return s.probe() }

func (store) Effective(f host.File) []byte {
	effective, _, _ := bytes.Cut(f.Data, []byte("#"))
	return effective
}

func TestOnlyTheEffectivePartOfAFileRestarts(t *testing.T) {
	h, ch := componenttest.New(t)
	for _, c := range []struct {
		text string
		want []string
	}{
		{"a # one", []string{"install tools of serf", "pull serf", "restart serf", "restart optional"}},
		{"a # two", nil},
		{"b # two", []string{"pull serf", "restart serf", "restart optional"}},
	} {
		s := store{program{c.text}, func() error { return nil }}
		changes, err := component.Changes(t.Context(), ch, s, componenttest.Target())
		if err != nil || (changes != nil) != (c.want != nil) {
			t.Errorf("%s: changes %q, %v", c.text, changes, err)
		}
		if err := converge(t, ch, s, componenttest.Target()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, h.Did()); diff != "" {
			t.Errorf("%s: %s", c.text, diff)
		}
		if data, err := ch.FS.Read("/etc/serf/serf.json"); err != nil || string(data) != c.text {
			t.Errorf("the file is %q, %v", data, err)
		}
	}
	info, err := ch.FS.Stat(neco.SabakanDataDir)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestNothingIsRecordedBeforeTheProbeSucceeds(t *testing.T) {
	h, ch := componenttest.New(t)
	broken := errors.New("no quorum")
	s := store{program{"a"}, func() error { return broken }}
	if err := converge(t, ch, s, componenttest.Target()); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	h.Did()
	asked := 0
	s.probe = func() error {
		if asked++; asked < 3 {
			return broken
		}
		return nil
	}
	if err := converge(t, ch, s, componenttest.Target()); err != nil || asked != 3 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if diff := cmp.Diff([]string{"pull serf", "restart serf", "restart optional"}, h.Did()); diff != "" {
		t.Errorf("what was not seen to work is restarted: %s", diff)
	}
}
