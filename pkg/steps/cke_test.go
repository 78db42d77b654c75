package steps_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// templateAt is the action that sets the template of CKE.
var templateAt = update.Place{Step: ckeStep, Action: 1}

// withCKE returns a host on which CKE is set up, without ckecli, and an etcd for Neco.
func withCKE(t *testing.T) (*steps.Host, *storage.Storage, host.FS) {
	t.Helper()
	_, _, h, ch := newHost(t)
	for path, text := range map[string]string{neco.CKECertFile: "x", neco.ClusterFile: "dev\n"} {
		put(t, ch.FS, path, text)
	}
	for _, file := range slices.Concat([]string{neco.CKETemplateFile, neco.CKETemplateFilePre}, neco.CKEUserResourceFiles, neco.CKEUserResourceFilesPre) {
		data, err := os.ReadFile("../../etc/" + filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		put(t, ch.FS, file, string(data))
	}
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if h.Etcd, err = cluster.Client("/neco/"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Etcd.Close() })
	return h, storage.New(h.Etcd), ch.FS
}

func TestTheTemplateIsSetWhereCKEIsSetUp(t *testing.T) {
	_, _, bare, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	if qualifies, note, err := bare.Qualifies(t.Context(), templateAt, tg); qualifies || note != "" || err != nil {
		t.Errorf("a server without CKE: %t, %q, %v", qualifies, note, err)
	}
	put(t, ch.FS, neco.CKECertFile, "x")
	if qualifies, note, err := bare.Qualifies(t.Context(), templateAt, tg); qualifies || note != "ckecli is not installed here: left alone; run: "+cke.Install || err != nil {
		t.Errorf("a server without ckecli: %t, %q, %v", qualifies, note, err)
	}
	put(t, ch.FS, neco.CKECLIBin, "x")
	if qualifies, _, err := bare.Qualifies(t.Context(), templateAt, tg); !qualifies || err != nil {
		t.Errorf("a server with ckecli: %t, %v", qualifies, err)
	}
}

func TestCKEGetsTheTemplateOfTheEnvironmentWithTheWeights(t *testing.T) {
	h, s, fs := withCKE(t)
	standintest.Ckecli(t, fs)
	do := func(env string, want ...string) {
		t.Helper()
		tg, _ := target(env)
		if note, err := h.Do(t.Context(), templateAt, tg); note != "" || err != nil {
			t.Fatalf("note %q, error %v", note, err)
		}
		stored, err := cke.New(fs).Template(t.Context())
		for _, text := range want {
			if err != nil || !strings.Contains(string(stored), text) {
				t.Errorf("stored is %s, %v; want %s", stored, err, text)
			}
		}
	}
	do(neco.StagingEnv, "name: dev\n", "disable: true", `weight: "18"`)
	if err := s.SetCKEWeight(t.Context(), "cs", 20, storage.Act{}); err != nil {
		t.Fatal(err)
	}
	do(neco.StagingEnv, "disable: true", `weight: "20.000000"`, `weight: "10"`)
	do(neco.ProdEnv, "name: dev\n", `weight: "20.000000"`)
	if stored, err := cke.New(fs).Template(t.Context()); err != nil || strings.Contains(string(stored), "disable: true") {
		t.Errorf("stored in prod is %s, %v", stored, err)
	}
}

func TestATemplateThatCKEHasIsNotSetAgain(t *testing.T) {
	h, _, fs := withCKE(t)
	tg, _ := target(neco.ProdEnv)
	want, err := cke.Desired(fs, neco.ProdEnv, nil)
	if err != nil {
		t.Fatal(err)
	}
	put(t, fs, "/stored", string(want))
	script(t, fs, `case $3 in get-template) cat `+fs.Path("/stored")+`;; *) exit 9;; esac`)
	if _, err := h.Do(t.Context(), templateAt, tg); err != nil {
		t.Error(err)
	}
}

// script installs a ckecli that is a shell script.
func script(t *testing.T, fs host.FS, text string) {
	t.Helper()
	if _, err := fs.Write(host.File{Path: neco.CKECLIBin, Data: []byte("#!/bin/sh\n" + text + "\n"), Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
}

func TestAnErrorOfCKEEndsTheRunOrIsRetried(t *testing.T) {
	h, s, fs := withCKE(t)
	for _, tt := range []struct {
		name, script, weights string
		permanent             bool
		want                  string
	}{
		{"no etcd when it is read", "echo 'etcdserver: no leader' >&2; exit 1", "", false, "get-template: etcdserver: no leader"},
		{"no etcd when it is set", `[ $3 = get-template ] && exit 0; echo 'context deadline exceeded' >&2; exit 1`, "", false, "set-template: context deadline exceeded"},
		{"a refused template", `[ $3 = get-template ] && exit 0; echo 'invalid template' >&2; exit 1`, "", true, "set-template: invalid template"},
		{"garbage", "echo [", "", true, "prints no template"},
		{"a role that is no more", "exit 9", `{"gpu":1}`, true, `cke-template.yml: weight of role gpu: the template has no role "gpu"`},
		{"malformed weights", "exit 9", "soon", true, "MalformedKey cke/weight"},
	} {
		script(t, fs, tt.script)
		var err error
		if _, err = s.Client().Delete(t.Context(), storage.KeyCKEWeight); err == nil && tt.weights != "" {
			_, err = s.Client().Put(t.Context(), storage.KeyCKEWeight, tt.weights)
		}
		if err != nil {
			t.Fatal(err)
		}
		tg, _ := target(neco.ProdEnv)
		_, err = h.Do(t.Context(), templateAt, tg)
		if err == nil || worker.IsPermanent(err) != tt.permanent || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want permanent %t, %s", tt.name, err, tt.permanent, tt.want)
		}
	}
}

func TestATemplateOrResourceThatIsMalformedIsAFaultOfTheRelease(t *testing.T) {
	h, s, fs := withCKE(t)
	standintest.Ckecli(t, fs)
	if err := h.Units.Start(t.Context(), neco.CKEService); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		at               update.Place
		file, env, texts string
		fault            bool
	}{
		"template":                          {templateAt, neco.CKETemplateFile, neco.ProdEnv, "nodes: [", true},
		"template without nodes":            {templateAt, neco.CKETemplateFile, neco.ProdEnv, "name: x\n", true},
		"template that is replaced there":   {templateAt, neco.CKETemplateFilePre, neco.TestEnv, "nodes: [", false},
		"resources":                         {resourcesAt, neco.CKEUserResourceFiles[4], neco.ProdEnv, "a: [", true},
		"resources that are replaced there": {resourcesAt, neco.CKEUserResourceFilesPre[4], neco.TestEnv, "a: [", false},
	} {
		t.Run(name, func(t *testing.T) {
			was, err := fs.Read(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			put(t, fs, tt.file, tt.texts)
			defer put(t, fs, tt.file, string(was))
			tg, _ := target(tt.env)
			_, err = h.Do(t.Context(), tt.at, tg)
			if !worker.IsPermanent(err) || worker.IsReleaseFault(err) != tt.fault || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("error %v; want a permanent one about %s, fault of the release %t", err, tt.file, tt.fault)
			}
		})
	}
	if _, err := s.Client().Put(t.Context(), storage.KeyCKEWeight, `{"gpu":1}`); err != nil {
		t.Fatal(err)
	}
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), templateAt, tg); !worker.IsPermanent(err) || worker.IsReleaseFault(err) {
		t.Errorf("a weight of an operator: %v", err)
	}
}

// A template may have fields that only the CKE of its own package knows.
func TestTheTemplateIsSetWithTheCkecliOfThePackage(t *testing.T) {
	h, _, fs := withCKE(t)
	packageOfCKE(t, fs.Path("/"), "1.22.6")
	said := fs.Path("/said")
	for program, version := range map[string]string{neco.CKECLIBin: "1.22.5", "/usr/lib/neco/cke/1.22.6/ckecli": "1.22.6"} {
		text := "#!/bin/sh\necho " + version + " $3 >>" + said + "\n"
		if _, err := fs.Write(host.File{Path: program, Data: []byte(text), Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	tg, _ := target(neco.ProdEnv)
	if _, err := h.Do(t.Context(), templateAt, tg); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(said); string(got) != "1.22.6 get-template\n1.22.6 set-template\n" {
		t.Errorf("ran %q, %v", got, err)
	}
}

func TestSabakanGetsTheImagesOfCKEOnce(t *testing.T) {
	_, units, h, ch := newHost(t)
	h.Sabakan = sabakantest.Start(t)
	at := update.Place{Step: 13}
	tg, _ := target(neco.ProdEnv)
	put(t, ch.FS, neco.SabakanCertFile, "x")
	if err := units.Start(t.Context(), neco.SabakanService); err != nil {
		t.Fatal(err)
	}
	if qualifies, note, err := h.Qualifies(t.Context(), at, tg); qualifies || !strings.Contains(note, "ckecli is not installed") || err != nil {
		t.Errorf("without ckecli: %t, %q, %v", qualifies, note, err)
	}
	standintest.Ckecli(t, ch.FS)
	names, err := cke.New(ch.FS).Images(t.Context())
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	units.Did()
	for i := range 2 {
		if note, err := h.Do(t.Context(), at, tg); note != "" || err != nil {
			t.Fatalf("note %q, error %v", note, err)
		}
		if did := units.Did(); len(did) != (1-i)*2*len(names) { // for the digest, and for the upload
			t.Errorf("upload %d: did %q", i, did)
		}
	}
	c := sabakan.New(h.Sabakan)
	defer c.Close()
	for _, name := range names {
		_, last, _ := strings.Cut(name, "cybozu/")
		asset := "cybozu-" + strings.Replace(last, ":", "-", 1) + ".img"
		if _, err := c.Asset(t.Context(), asset); err != nil {
			t.Errorf("%s: %v", asset, err)
		}
	}
}
