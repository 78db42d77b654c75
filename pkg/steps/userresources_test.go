package steps_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// resourcesAt is the action that sets the user resources of CKE.
var resourcesAt = update.Place{Step: resourcesStep}

// ckeImages makes a ckecli that is a script print the images which the resources need.
const ckeImages = `[ $2 = images ] && { echo quay.io/cybozu/unbound:1.14.0.1; echo quay.io/cybozu/unbound_exporter:0.4.1.2; exit 0; }
`

func TestUserResourcesAreSetWhereCKERuns(t *testing.T) {
	_, units, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	for _, step := range []struct {
		name string
		do   func(t *testing.T) error
		want bool
		note string
	}{
		{"without CKE", func(*testing.T) error { return nil }, false, ""},
		{"set up", func(t *testing.T) error { put(t, ch.FS, neco.CKECertFile, "x"); return nil }, false, "cke does not run here: left alone; run: systemctl start cke"},
		{"with another unit", func(t *testing.T) error { return units.Start(t.Context(), neco.CKELocalProxyService) }, false, "cke does not run here: left alone; run: systemctl start cke"},
		{"without ckecli", func(t *testing.T) error {
			return errors.Join(units.Start(t.Context(), neco.CKEService), units.Stop(t.Context(), neco.CKELocalProxyService))
		}, false, "ckecli is not installed here: left alone; run: " + cke.Install},
		{"with everything", func(t *testing.T) error { put(t, ch.FS, neco.CKECLIBin, "x"); return nil }, true, ""},
	} {
		if err := step.do(t); err != nil {
			t.Fatal(err)
		}
		if qualifies, note, err := h.Qualifies(t.Context(), resourcesAt, tg); qualifies != step.want || note != step.note || err != nil {
			t.Errorf("%s: %t, %q, %v", step.name, qualifies, note, err)
		}
	}
}

// stored runs the action in env with a ckecli that succeeds, and returns its note and
// the resources that ckecli got.
func stored(t *testing.T, env string, do func(context.Context, update.Place, worker.Target) (string, error), fs host.FS) (note, resources string) {
	t.Helper()
	script(t, fs, ckeImages+`cat >>`+fs.Path("/resources"))
	if err := os.RemoveAll(fs.Path("/resources")); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(env)
	note, err := do(t.Context(), resourcesAt, tg)
	if err != nil {
		t.Fatal(err)
	}
	data, err := fs.Read("/resources")
	if err != nil {
		t.Fatal(err)
	}
	return note, string(data)
}

func TestCKEGetsTheUserResourcesWithTheNetworksThatAreSet(t *testing.T) {
	h, s, fs := withCKE(t)
	if err := h.Units.Start(t.Context(), neco.CKEService); err != nil {
		t.Fatal(err)
	}
	note, resources := stored(t, neco.StagingEnv, h.Do, fs)
	if want := "not set, hence without load balancers: lb-address-block-default, lb-address-block-bastion, lb-address-block-internet"; note != want {
		t.Errorf("note %q, want %q", note, want)
	}
	at := 0
	for _, text := range []string{"kind: Namespace", "image: quay.io/cybozu/cilium:", "image: 'ghcr.io/cybozu-go/coil:", "image: 'quay.io/cybozu/unbound:1.14.0.1'", "image: 'quay.io/cybozu/squid:"} {
		i := strings.Index(resources[at:], text)
		if i < 0 {
			t.Fatalf("no %s behind the others", text)
		}
		at += i
	}
	k, err := storage.FindConfigKey("lb-address-block-bastion")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutConfig(t.Context(), k, "10.72.48.48/28", storage.Act{}); err != nil {
		t.Fatal(err)
	}
	note, resources = stored(t, neco.StagingEnv, h.Do, fs)
	if want := "not set, hence without load balancers: lb-address-block-default, lb-address-block-internet"; note != want || !strings.Contains(resources, "- 10.72.48.48/28\n") {
		t.Errorf("note %q, want %q", note, want)
	}
	note, resources = stored(t, neco.ProdEnv, h.Do, fs)
	if note != "" || strings.Contains(resources, "10.72.48.48/28") {
		t.Errorf("note in prod %q", note)
	}
}

func TestAnErrorOfUserResourcesEndsTheRunOrIsRetried(t *testing.T) {
	h, s, fs := withCKE(t)
	if err := h.Units.Start(t.Context(), neco.CKEService); err != nil {
		t.Fatal(err)
	}
	bad := storage.KeyConfig + "lb-address-block-default"
	for _, tt := range []struct {
		name, script, block string
		permanent           bool
		want                string
	}{
		{"no etcd", ckeImages + "echo 'etcdserver: no leader' >&2; exit 1", "", false, neco.CKEUserResourceFiles[0] + ": ckecli resource set: etcdserver: no leader"},
		{"a refused resource", ckeImages + "grep -q 'kind: Namespace' || { echo 'no name' >&2; exit 1; }", "", true, neco.CKEUserResourceFiles[1] + ": ckecli resource set: no name"},
		{"an image that CKE has no more", "echo quay.io/cybozu/unbound:1.14.0.1", "", true, neco.CKEUserResourceFiles[3] + `:`},
		{"images that are none", "echo unbound", "", true, "ckecli images: prints"},
		{"a malformed network", ckeImages + "exit 9", "10.0.0.0", true, "MalformedKey " + bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script(t, fs, tt.script)
			if tt.block != "" {
				if _, err := s.Client().Put(t.Context(), bad, tt.block); err != nil {
					t.Fatal(err)
				}
			}
			tg, _ := target(neco.ProdEnv)
			_, err := h.Do(t.Context(), resourcesAt, tg)
			if err == nil || worker.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want permanent %t, %s", err, tt.permanent, tt.want)
			}
		})
	}
	if err := os.Remove(fs.Path(neco.CKEUserResourceFiles[4])); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client().Delete(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	script(t, fs, ckeImages+"exit 0")
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), resourcesAt, tg); err == nil || !worker.IsPermanent(err) || !strings.Contains(fmt.Sprint(err), neco.CKEUserResourceFiles[4]) {
		t.Errorf("a missing file: %v", err)
	}
}
