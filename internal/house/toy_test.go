package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// toy is a new managed program, as a developer would add it: a package and two rows.
const toy = `// Package toy is the component of a toy.
package toy

import (
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Component is the toy.
type Component struct{}

// Name of the component.
func (Component) Name() string { return "toy" }

// Units of the component.
func (Component) Units() []component.Unit { return component.Services("toy") }

// Inputs of the component.
func (Component) Inputs() []component.Input { return []component.Input{"config/node-proxy"} }

// Files of the component.
func (Component) Files(t component.Target) ([]host.File, error) {
	p, err := program.Find("toy")
	if err != nil {
		return nil, err
	}
	return component.YAML(p.Prepared.Config, map[string]any{
		"etcd": etcd.ConfigOf(p, t.Members), "proxy": t.Inputs["config/node-proxy"],
	})
}
`

const (
	programRow = `		{
			Name: "toy", Units: []string{"toyd"}, Mixing: MixesNever,
			Directories: []Directory{{Path: "/var/lib/toy", Mode: 0o700}},
			User:     &User{Prefix: "/toy/", Cert: "/etc/toy/etcd.crt", Key: "/etc/toy/etcd.key", Restart: true},
			Prepared: &Prepared{Config: "/etc/toy/config.yml"},
		},
	}
}
`
	stepRow = `		{name: "toy", component: toy.Component{}, acts: []act{
			{Action: every("write"), do: write, when: when(setUpHere)},
			{Action: rolling("restart", convergeDeadline), do: apply, when: when(setUpHere, runsHere)},
		}},
	}
}
`
)

// toyCheck is the source of a test. It finds the toy in everything that is derived from
// the list of programs.
const toyCheck = `package cli_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	programs "github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestToy(t *testing.T) {
	purpose, err := pki.Find("toy")
	if err != nil || purpose.Cert != "/etc/toy/etcd.crt" || !purpose.OnRequest {
		t.Errorf("certificate: %+v, %v", purpose, err)
	}
	row, err := programs.Find("toy")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := etcdauth.UsersOf(row, 1), []etcdauth.User{{Name: "toy", Role: "toy"}, {Name: "toy-1", Role: "toy"}}; !slices.Equal(got, want) {
		t.Errorf("users of etcd: %v", got)
	}
	if !slices.Contains(programs.Names(programs.Groups()), "toy") {
		t.Error("its versions mix")
	}
	fsys := host.FS{Root: t.TempDir()}
	for _, name := range []string{"/etc/systemd/system/toyd.service", "/etc/toy/etcd.key"} {
		if _, err := fsys.Write(host.File{Path: name, Data: []byte("x"), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	left := setup.Host{FS: fsys}.Left()
	if !slices.Contains(left.Services, "toyd") || !slices.Contains(left.Files, "/etc/toy/etcd.key") {
		t.Errorf("neco reset: %+v", left)
	}
	for _, command := range []string{"init", "init-local"} {
		cmd := cli.New(cli.System(testVersion))
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetArgs([]string{command, "--help"})
		if err := cmd.ExecuteContext(context.Background()); err != nil || !strings.Contains(out.String(), "toy") {
			t.Errorf("neco %s: %v\n%s", command, err, out.String())
		}
	}
	table := steps.Table()
	if last := table[table.Last()]; last.Name != "toy" || table.Validate() != nil {
		t.Errorf("steps: %+v, %v", last, table.Validate())
	}
	for what, text := range map[string]string{"steps": stepTable(), "programs": programTable()} {
		if !strings.Contains(text, "| toy |") {
			t.Errorf("docs, %s:\n%s", what, text)
		}
	}
	start := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	snap := &storage.Snapshot{State: update.State{
		Registered: []int{0},
		Request:    &update.Request{UpdateRequest: neco.UpdateRequest{Version: "2026.11.29-1", Servers: []int{0}, StartedAt: start}, Rev: 1},
		Statuses: map[int]update.Status{0: {
			UpdateStatus: neco.UpdateStatus{Version: "2026.11.29-1", Step: table.Last(), Cond: neco.CondRunning}, StartedAt: &start,
		}},
	}}
	var b bytes.Buffer
	if err := status.New(snap, table, start).Render(&b); err != nil || !strings.Contains(b.String(), "19/19 toy") {
		t.Errorf("status: %v\n%s", err, b.String())
	}
	target := component.Target{Members: []int{0}, Inputs: map[component.Input]string{"config/node-proxy": "http://10.0.0.1:3128"}}
	files, err := steps.Component("toy").Files(target)
	if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Data), "proxy: http://10.0.0.1:3128") {
		t.Errorf("files: %v, %v", files, err)
	}
}
`

// TestAProgramIsAddedByAPackageAndTwoRows runs toyCheck on this repository with the
// toy, which an overlay adds.
func TestAProgramIsAddedByAPackageAndTwoRows(t *testing.T) {
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	root, err := filepath.Abs(rootDir)
	if err != nil {
		t.Fatal(err)
	}
	put := func(file, text string) {
		t.Helper()
		name := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, file)] = name
	}
	edit := func(file string, pairs ...string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(text, pairs[i]) {
				t.Fatalf("%s has no place for %q", file, pairs[i+1])
			}
			text = strings.Replace(text, pairs[i], pairs[i+1], 1)
		}
		put(file, text)
	}
	put("pkg/component/toy/toy.go", toy)
	put("pkg/cli/toy_test.go", toyCheck)
	edit("pkg/program/table.go", "\n\t}\n}\n", "\n"+programRow)
	edit("pkg/steps/table.go", "\n\t}\n}\n", "\n"+stepRow, "import (", "import (\n\t\"github.com/cybozu-go/neco/pkg/component/toy\"")
	data, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off", "-overlay="+file, "-run=^TestToy$", "-v", "./pkg/cli")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestToy") {
		t.Errorf("%v:\n%s", err, out)
	}
}
