package component_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
)

// commands returns the values of a key in the unit file f.
func commands(f host.File, key string) (values []string) {
	for line := range strings.Lines(string(f.Data)) {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			values = append(values, strings.TrimSpace(v))
		}
	}
	return values
}

// TestAContainerDoesNotStartBesideOneWithItsFormerName checks that the commands before the
// start of etcd remove its container under both names, and that the start fails if the
// container with the former name cannot be removed: a command with a leading minus may fail.
func TestAContainerDoesNotStartBesideOneWithItsFormerName(t *testing.T) {
	for unit, want := range map[string][]string{
		neco.EtcdService: {"-/usr/bin/docker kill etcd", "-/usr/bin/docker rm etcd", "/usr/bin/docker rm --force etcd-container"},
		neco.SerfService: {"-/usr/bin/docker kill serf", "-/usr/bin/docker rm serf"},
	} {
		f, err := component.ContainerUnit{Name: unit, Image: "quay.io/cybozu/x:1"}.File()
		if err != nil {
			t.Fatal(err)
		}
		if got := commands(f, "ExecStartPre"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", unit, got, want)
		}
		name := strings.Fields(want[0])[2]
		start := commands(f, "ExecStart")
		if f.Path != neco.ServiceFile(unit) || len(start) != 1 || !strings.HasPrefix(start[0], "/usr/bin/docker run --name="+name+" ") {
			t.Errorf("%s: %q", f.Path, start)
		}
	}
}

// renamed is a component whose container had another name in earlier versions of Neco.
type renamed struct{ program }

func (renamed) Units() []component.Unit { return []component.Unit{{Name: neco.EtcdService}} }

func TestAContainerIsFoundUnderItsFormerName(t *testing.T) {
	for _, name := range []string{"etcd", "etcd-container"} {
		h, ch := componenttest.New(t)
		target := componenttest.Target()
		if err := component.Started(ch, renamed{program{"a"}}, target); err != nil {
			t.Fatal(err)
		}
		put(t, ch.FS, neco.ServiceFile(neco.EtcdService), "[Service]\n")
		known := func() bool {
			ok, err := component.MayMix(t.Context(), ch, etcd.Component{}, target)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		changes := func() []string {
			all, err := component.Changes(t.Context(), ch, renamed{program{"a"}}, target)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		if known() || changes() != nil {
			t.Errorf("%s does not run: its version is known, or %q", name, changes())
		}
		h.Tags = map[string]string{name: "3.5.4.1"}
		if err := h.Start(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if !known() || changes() != nil {
			t.Errorf("%s runs: its version is not known, or %q", name, changes())
		}
		if h.Move(name); len(changes()) != 1 {
			t.Errorf("%s runs another image: %q", name, changes())
		}
	}
}
