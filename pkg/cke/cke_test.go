package cke_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/retry"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func TestTheTemplateOfAClusterHasItsNameAndWeights(t *testing.T) {
	got, err := cke.Render(read(t, "cke-template.yml"), "stage0", map[string]float64{"cs": 20, "ss": 0.1 + 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(t, got).problems(); err != nil {
		t.Error(err)
	}
	golden := "testdata/template.golden"
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(golden, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

// TestOnlyNameAndWeightsAreReplaced in clusters other than stage0.
func TestOnlyNameAndWeightsAreReplaced(t *testing.T) {
	file := read(t, "cke-template-pre.yml")
	got, err := cke.Render(file, "dev", map[string]float64{"ss": 3})
	if err != nil {
		t.Fatal(err)
	}
	want := decode(t, file)
	want.Name = "dev"
	want.Nodes[2].Labels["cke.cybozu.com/weight"] = "3.000000"
	if diff := cmp.Diff(want, decode(t, got), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

func TestTheFirstEntryOfARoleGetsItsWeight(t *testing.T) {
	const file = `nodes: [{control_plane: true, labels: {cke.cybozu.com/role: a}}, {}, {labels: {cke.cybozu.com/role: a}}, {labels: {cke.cybozu.com/role: a}}]`
	got, err := cke.Render([]byte(file), "dev", map[string]float64{"a": 7})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "", "7.000000", ""} {
		if w := decode(t, got).Nodes[i].Labels["cke.cybozu.com/weight"]; w != want {
			t.Errorf("entry %d has weight %q, want %q", i, w, want)
		}
	}
}

func TestAWrongWeightOrTemplateIsNamed(t *testing.T) {
	file := string(read(t, "cke-template.yml"))
	for name, tt := range map[string]struct {
		file    string
		cluster string
		weights map[string]float64
		want    string
	}{
		"an unknown role":     {file, "dev", map[string]float64{"gpu": 1}, `weight of role gpu: the template has no role "gpu" for workers; its roles are cs, ss`},
		"no roles":            {"nodes: []", "dev", map[string]float64{"gpu": 1}, "its roles are none"},
		"no weight":           {file, "dev", map[string]float64{"cs": 0}, "weight of role cs: weight 0 is not at least"},
		"a negative weight":   {file, "dev", map[string]float64{"cs": -1}, "is not at least"},
		"a rounded weight":    {file, "dev", map[string]float64{"cs": 4e-7}, "is not at least"},
		"an infinite weight":  {file, "dev", map[string]float64{"cs": math.Inf(1)}, "is not a number"},
		"no number":           {file, "dev", map[string]float64{"cs": math.NaN()}, "is not a number"},
		"too long a label":    {file, "dev", map[string]float64{"cs": 1e60}, "is too large"},
		"no name":             {file, "", nil, "the cluster has no name"},
		"no YAML":             {"nodes: [", "dev", nil, "yaml"},
		"a key twice":         {"nodes: []\nnodes: []\n", "dev", nil, "already set"},
		"nothing":             {"", "dev", nil, "nodes is missing"},
		"null":                {"null", "dev", nil, "nodes is missing"},
		"nodes that are none": {"nodes: [a]", "dev", nil, "nodes[0] is not an object"},
		"no reboot":           {"nodes: []", "stage0", nil, "reboot is missing"},
	} {
		if _, err := cke.Render([]byte(tt.file), tt.cluster, tt.weights); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// FuzzRender checks that rendering a rendered template again changes nothing.
func FuzzRender(f *testing.F) {
	f.Add([]byte("nodes: [{labels: {cke.cybozu.com/role: a}}]"), "dev")
	f.Add([]byte("nodes: [{control_plane: true}]\nreboot: {a: 1e3}\nname: x"), "stage0")
	f.Fuzz(func(t *testing.T, file []byte, name string) {
		once, err := cke.Render(file, name, nil)
		if err != nil {
			return
		}
		twice, err := cke.Render(once, name, nil)
		if err != nil || string(once) != string(twice) {
			t.Errorf("%s becomes %s, %v", once, twice, err)
		}
	})
}

// ckecli returns a Ckecli that runs a shell script.
func ckecli(t *testing.T, script string) cke.Ckecli {
	t.Helper()
	fs := host.FS{Root: t.TempDir()}
	if _, err := fs.Write(host.File{Path: neco.CKECLIBin, Data: []byte("#!/bin/sh\n" + script), Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	return cke.New(fs)
}

func TestTheTemplateIsSetOnce(t *testing.T) {
	fs := host.FS{Root: t.TempDir()}
	standintest.Ckecli(t, fs)
	c := cke.New(fs)
	if images, err := c.Images(t.Context()); err != nil || !slices.Contains(images, "quay.io/cybozu/pause:3.6.0.1") {
		t.Errorf("images %v, %v", images, err)
	}
	if _, err := c.Template(t.Context()); !errors.Is(err, cke.ErrNotFound) || retry.MayPass(err) {
		t.Errorf("there is no template: %v", err)
	}
	set := func(name string, want bool) {
		t.Helper()
		template, err := cke.Render(read(t, "cke-template.yml"), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := cke.Update(t.Context(), c, template); changed != want || err != nil {
			t.Errorf("set: %t, %v; want %t", changed, err, want)
		}
		if stored, err := c.Template(t.Context()); err != nil || string(stored) != string(template) {
			t.Errorf("stored is %s, %v", stored, err)
		}
	}
	set("dev", true)
	set("dev", false)
	set("dev2", true)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "neco-*"))
	if len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := c.SetTemplate(t.Context(), []byte("name: dev\n")); err == nil || !strings.Contains(err.Error(), "ckecli sabakan set-template: ckecli: the template has no name or no nodes (exit status 1)") || retry.MayPass(err) {
		t.Errorf("a refused template: %v", err)
	}
}

func TestOnlyTheUserCanReadTheTemporaryFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := ckecli(t, `stat -c %a "$4" >&2; exit 3`)
	err := c.SetTemplate(t.Context(), []byte("x"))
	if failed := (*cke.Error)(nil); !errors.As(err, &failed) || failed.Code != 3 || failed.Text != "600" || failed.Op != "sabakan set-template" {
		t.Errorf("%#v", err)
	}
}

// templates are the templates of a CKE that prints what it has stored in its own way.
type templates struct {
	stored string
	err    error
	set    []string
}

func (s *templates) Template(context.Context) ([]byte, error) { return []byte(s.stored), s.err }
func (s *templates) SetTemplate(_ context.Context, data []byte) error {
	s.set = append(s.set, string(data))
	return nil
}

func TestATemplateWithTheSameMeaningIsNotSetAgain(t *testing.T) {
	const want = "name: dev\nnodes:\n- user: a\noptions: {kubelet: {config: {a: false, b: 1}}}\n"
	for stored, sets := range map[string]bool{
		"options: {kubelet: {config: {b: 1.0, a: false}, extra_args: null}, etcd: {volume_name: \"\"}}\nnodes: [{user: a, control_plane: false, taints: []}]\nname: dev": false,
		"options: {kubelet: {config: {b: 1}}}\nnodes: [{user: a}]\nname: dev":                                                                                            true,
		"options: {kubelet: {config: {a: true, b: 1}}}\nnodes: [{user: a}]\nname: dev":                                                                                   true,
		strings.Replace(want, "a\n", "a\n  control_plane: true\n", 1):                                                                                                    true,
		strings.Replace(want, "dev", "stage", 1):                                                                                                                         true,
		want + "taint_control_plane: true\n":                                                                                                                             true,
		want + "- [":                                                                                                                                                     true,
	} {
		s := &templates{stored: stored}
		if changed, err := cke.Update(t.Context(), s, []byte(want)); changed != sets || len(s.set) > 0 != sets || err != nil {
			t.Errorf("%s: set is %t, %v", stored, changed, err)
		}
	}
	s := &templates{err: errors.New("etcd is away")}
	if changed, err := cke.Update(t.Context(), s, []byte(want)); changed || len(s.set) > 0 || err == nil {
		t.Errorf("the stored template is unknown, but set (%v)", err)
	}
}

func TestGarbageIsNeitherATemplateNorImages(t *testing.T) {
	for out, want := range map[string]string{
		"null": "not found", "": "not found", "{}": "not found", "[]": "no template", "a: 1\na: 2": "no template", "text": "no template", `\000`: "no template",
	} {
		c := ckecli(t, fmt.Sprintf("printf '%s'", out))
		if _, err := c.Template(t.Context()); err == nil || !strings.Contains(err.Error(), want) || retry.MayPass(err) {
			t.Errorf("template %q: %v", out, err)
		}
	}
	for _, out := range []string{"null", "", "etcd:3", "cybozu/etcd:3", "quay.io/cybozu/etcd", "quay.io/cybozu/etcd:3 x", "quay.io/cybozu/etcd:3\n\nquay.io/cybozu/etcd:4"} {
		c := ckecli(t, fmt.Sprintf("printf '%s'", out))
		if images, err := c.Images(t.Context()); err == nil || !strings.Contains(err.Error(), "not the full name of an image") {
			t.Errorf("images %q: %v, %v", out, images, err)
		}
	}
	c := ckecli(t, "yes")
	if _, err := c.Template(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("endless output: %v", err)
	}
}

func TestALongErrorIsOneLine(t *testing.T) {
	c := ckecli(t, `yes "first
second" | head -c 1000000 >&2; exit 4`)
	_, err := c.Template(t.Context())
	if text := fmt.Sprint(err); strings.Contains(text, "\n") || len(text) > 2200 || !strings.HasPrefix(text, "ckecli sabakan get-template: first second") || !strings.HasSuffix(text, "(exit status 4)") {
		t.Errorf("%s", text)
	}
}

func TestWhatPasses(t *testing.T) {
	scripts := map[string]bool{
		"echo 'rpc error: code = Unavailable desc = x' >&2; exit 1": true,
		"echo 'Error: context deadline exceeded' >&2; exit 1":       true,
		"echo 'etcdserver: no leader' >&2; exit 1":                  true,
		"kill -9 $$": true,
		"echo 'etcdserver: permission denied' >&2; exit 1": false,
		"echo 'invalid template' >&2; exit 1":              false,
		"exit 4":                                           false,
	}
	for _, script := range slices.Sorted(maps.Keys(scripts)) {
		if _, err := ckecli(t, script).Template(t.Context()); err == nil || retry.MayPass(err) != scripts[script] {
			t.Errorf("%s: %v, may pass: %t", script, err, retry.MayPass(err))
		}
	}
}

func TestAnEtcdThatDoesNotAnswerPasses(t *testing.T) {
	fs := host.FS{Root: t.TempDir()}
	standintest.Ckecli(t, fs, "http://127.0.0.1:1")
	if _, err := cke.New(fs).Template(t.Context()); err == nil || !retry.MayPass(err) || errors.Is(err, cke.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	fs := host.FS{Root: t.TempDir()}
	_, err := cke.New(fs).Images(t.Context())
	if !errors.Is(err, cke.ErrMissing) || !strings.Contains(err.Error(), fs.Path(neco.CKECLIBin)+" is missing: ") || retry.MayPass(err) {
		t.Errorf("%v", err)
	}
}

func TestTheCommandThatInstallsCkecliIsThatOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../docs/cke.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ReplaceAll(string(manual), " \\\n      ", " "), "\n    "+cke.Install+"\n") {
		t.Errorf("docs/cke.md does not have: %s", cke.Install)
	}
}

func TestAHangingProgramIsKilled(t *testing.T) {
	c := ckecli(t, "sleep 1000 & sleep 1000")
	c.Timeout = 100 * time.Millisecond
	if _, err := c.Images(t.Context()); err == nil || !strings.Contains(err.Error(), "does not end within 100ms") || !retry.MayPass(err) {
		t.Errorf("%v", err)
	}
}

// TestTheEndOfARunKillsCkecliWithItsDescendants: the end of the last of them closes the
// FIFO.
func TestTheEndOfARunKillsCkecliWithItsDescendants(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	c := ckecli(t, "exec 3>"+fifo+"; sleep 1000 & printf x >&3; wait")
	c.Timeout = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Images(ctx)
		ended <- err
	}()
	r, err := os.Open(fifo) // returns when the script has opened it
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := make([]byte, 1)
	if err := r.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(b); err != nil { // the descendant runs
		t.Fatal(err)
	}
	stopped := errors.New("the run is stopped")
	cancel(stopped)
	if err := <-ended; !errors.Is(err, stopped) {
		t.Errorf("%v", err)
	}
	if _, err := r.Read(b); err != io.EOF {
		t.Errorf("a descendant is alive: %v", err)
	}
}
