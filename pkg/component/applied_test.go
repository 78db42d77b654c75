package component_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/host"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

func put(t *testing.T, fsys host.FS, path, text string) {
	t.Helper()
	if _, err := fsys.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

func TestTheRecordSaysWhatRuns(t *testing.T) {
	_, ch := componenttest.New(t)
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	got, err := component.ReadApplied(ch.FS, "serf")
	if err != nil || len(got.Digest) != 64 {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Digest = ""
	if diff := cmp.Diff(component.Applied{Image: "quay.io/cybozu/serf:0.9.7.1", Version: "0.9.7.1"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestARecordOfAnOlderPackageRestartsNothing reads a record that consists of the digest
// only.
func TestARecordOfAnOlderPackageRestartsNothing(t *testing.T) {
	h, ch := componenttest.New(t)
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	now, err := component.ReadApplied(ch.FS, "serf")
	if err != nil {
		t.Fatal(err)
	}
	put(t, ch.FS, "/var/lib/neco/applied/serf", now.Digest)
	h.Did()
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	if did := h.Did(); did != nil {
		t.Errorf("did %q", did)
	}
	if then, err := component.ReadApplied(ch.FS, "serf"); err != nil || then != now {
		t.Errorf("%+v, %v", then, err)
	}
}

func TestASpoiltRecordIsNamed(t *testing.T) {
	_, ch := componenttest.New(t)
	put(t, ch.FS, "/var/lib/neco/applied/serf", `{"digest": `)
	err := converge(t, ch, program{"a"}, componenttest.Target())
	if err == nil || !strings.Contains(err.Error(), "/var/lib/neco/applied/serf: ") || !strings.Contains(err.Error(), "delete it") {
		t.Error(err)
	}
}

// TestWhatMayMixIsKnownFromTheRecordAndTheContainer uses a component.Target with version
// 1.2.3.1 of Vault.
func TestWhatMayMixIsKnownFromTheRecordAndTheContainer(t *testing.T) {
	for name, c := range map[string]struct {
		record, runs string
		unit, want   bool
	}{
		"nothing is here":                         {"", "", false, true},
		"the original's, down: it is not known":   {"", "", true, false},
		"the original's, of the same major":       {"", "1.0.0.1", true, true},
		"the original's, of another":              {"", "0.11.6.1", true, false},
		"an older package's record":               {"0123", "1.0.0.1", true, true},
		"an older package's record, down":         {"0123", "", true, false},
		"a record":                                {`{"version": "1.0.0.1"}`, "", true, true},
		"a record of another":                     {`{"version": "2.0.0.1"}`, "", true, false},
		"an interrupted update has started 2":     {`{"version": "1.0.0.1"}`, "2.0.0.1", true, false},
		"an interrupted update has not reached 2": {`{"version": "2.0.0.1"}`, "1.0.0.1", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, ch := componenttest.New(t)
			if c.record != "" {
				put(t, ch.FS, "/var/lib/neco/applied/vault", c.record)
			}
			if c.unit {
				put(t, ch.FS, neco.ServiceFile(neco.VaultService), "[Service]\n")
			}
			if c.runs != "" {
				h.Tags = map[string]string{neco.VaultService: c.runs}
				if err := h.Start(t.Context(), neco.VaultService); err != nil {
					t.Fatal(err)
				}
			}
			target := componenttest.Target()
			target.Artifacts.Images = append([]neco.ContainerImage{{Name: "vault", Repository: "quay.io/cybozu/vault", Tag: "1.2.3.1"}}, target.Artifacts.Images...)
			got, err := component.MayMix(t.Context(), ch, vault.Component{}, target)
			if err != nil || got != c.want {
				t.Errorf("got %t, %v; want %t", got, err, c.want)
			}
		})
	}
}

// parameterized is a component whose files depend on values in etcd.
type parameterized struct{ program }

func (parameterized) Inputs() []component.Input {
	return []component.Input{"config/node-proxy", "absent"}
}

func TestInputsAreReadFromEtcd(t *testing.T) {
	client := cluster.NewClient(t, "/neco/")
	if _, err := client.Put(t.Context(), "config/node-proxy", "http://10.0.0.1:3128"); err != nil {
		t.Fatal(err)
	}
	got, err := component.ReadInputs(t.Context(), client, parameterized{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[component.Input]string{"config/node-proxy": "http://10.0.0.1:3128"}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := component.ReadInputs(t.Context(), nil, program{}); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
