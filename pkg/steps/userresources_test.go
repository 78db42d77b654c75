package steps_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/steps"
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

// ckeWithLog makes a ckecli that is a script append the user resources that it gets to the
// file /resources, and print the keys in the file /keys as those that it has.
func ckeWithLog(t *testing.T, fs host.FS) {
	t.Helper()
	script(t, fs, ckeImages+`[ $3 = list ] && exec cat `+fs.Path("/keys")+`
{ echo ---; cat; } >>`+fs.Path("/resources"))
	for _, file := range []string{"/resources", "/keys"} {
		put(t, fs, file, "")
	}
}

// has makes the ckecli of ckeWithLog print the keys of the user resources that it has got,
// except those that begin with one of without.
func has(t *testing.T, fs host.FS, without ...string) {
	t.Helper()
	data, err := fs.Read("/resources")
	if err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var o struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		err := d.Decode(&o)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if o.Kind == "" { // nothing between two separators
			continue
		}
		key := path.Join(o.Kind, o.Metadata.Namespace, o.Metadata.Name)
		if !slices.ContainsFunc(without, func(w string) bool { return strings.HasPrefix(key, w) }) {
			fmt.Fprintln(&keys, key)
		}
	}
	put(t, fs, "/keys", keys.String())
}

func TestUserResourcesAreSentOnlyIfCKEHasNotGotThem(t *testing.T) {
	h, s, fs := withCKE(t)
	if err := h.Units.Start(t.Context(), neco.CKEService); err != nil {
		t.Fatal(err)
	}
	ckeWithLog(t, fs)
	runs, last := 0, ""
	record := func(digest string) {
		t.Helper()
		runs++
		at := time.Unix(int64(runs), 0)
		rec := update.Record{StartedAt: &at, Digest: digest}
		rec.Version, rec.Success = fmt.Sprint(runs), true
		if _, err := s.PutRecord(t.Context(), storage.Guard{LRN: -1, AnyRequest: true}, steps.UserResources, rec); err != nil {
			t.Fatal(err)
		}
		last = digest
	}
	var during func() // runs once, after the first file
	// run does the action. If in is true, it does so as an update, which writes its record.
	run := func(name string, in bool, h *steps.Host, want contents.State) {
		t.Helper()
		put(t, fs, "/resources", "")
		digest := ""
		got := map[contents.State]int{}
		h.Observe = func(e contents.Event) {
			if got[e.State]++; during != nil {
				during()
				during = nil
			}
		}
		tg, _ := target(neco.StagingEnv)
		if in {
			tg.Digest = func(d string) { digest = d }
		}
		if _, err := h.Do(t.Context(), resourcesAt, tg); err != nil {
			t.Fatal(err)
		}
		sent, err := fs.Read("/resources")
		if err != nil || len(got) != 1 || got[want] != len(neco.CKEUserResourceFilesPre) || (len(sent) > 0) != (want == contents.Uploaded) {
			t.Errorf("%s: files by state %v, %d bytes (%v); want all %s", name, got, len(sent), err, want)
		}
		if in {
			record(digest)
		}
	}
	set := func(block string) {
		t.Helper()
		k, err := storage.FindConfigKey("lb-address-block-default")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutConfig(t.Context(), k, block, storage.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	all := *h
	all.AllResources = true

	set("10.72.32.0/20")
	run("the first update", true, h, contents.Uploaded)
	has(t, fs)
	run("the second update", true, h, contents.Present)
	run("neco init-data", false, h, contents.Present)
	run("neco init-data --update-resources-only", false, &all, contents.Uploaded)
	run("the update after that", true, h, contents.Present)

	set("10.72.48.0/20")
	run("an update with another network", true, h, contents.Uploaded)
	run("the update after that", true, h, contents.Present)
	set("10.72.32.0/20")
	run("neco init-data with the first network", false, h, contents.Uploaded)
	set("10.72.48.0/20")
	run("an update with the second network", true, h, contents.Uploaded)
	set("10.72.32.0/20")
	during = func() { record(last) } // an update with the second network
	run("neco init-data with the first network, and an update at the same time", false, h, contents.Uploaded)
	set("10.72.48.0/20")
	run("the update after that", true, h, contents.Uploaded)

	has(t, fs, "Namespace/internet-egress")
	run("an update after an object was deleted", true, h, contents.Uploaded)
	has(t, fs)
	run("the update after that", true, h, contents.Present)
}

func TestUserResourcesOfWhichAPartWasSentAreSentAgain(t *testing.T) {
	h, s, fs := withCKE(t)
	if err := h.Units.Start(t.Context(), neco.CKEService); err != nil {
		t.Fatal(err)
	}
	ckeWithLog(t, fs)
	tg, _ := target(neco.ProdEnv)
	digest := ""
	tg.Digest = func(d string) { digest = d }
	if _, err := h.Do(t.Context(), resourcesAt, tg); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1, 0)
	rec := update.Record{StartedAt: &at, Digest: digest}
	rec.Version, rec.Success = "1", true
	if _, err := s.PutRecord(t.Context(), storage.Guard{LRN: -1, AnyRequest: true}, steps.UserResources, rec); err != nil {
		t.Fatal(err)
	}
	has(t, fs)
	put(t, fs, neco.CKEUserResourceFiles[0], "apiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n")
	script(t, fs, ckeImages+"grep -q other || { echo 'etcdserver: no leader' >&2; exit 1; }")
	if _, err := h.Do(t.Context(), resourcesAt, tg); err == nil || worker.IsPermanent(err) {
		t.Fatalf("error %v", err)
	}
	if got, err := s.RecordDigest(t.Context(), steps.UserResources); got != "" || err != nil {
		t.Errorf("recorded is the digest %q (%v), though other resources were sent", got, err)
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
