package toolset_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// hello is a program that prints its completions, and its version with the text of another
// module.
const hello = `package main

import (
	"os"

	"example.com/dep"
)

var version = "unknown"

func main() {
	if len(os.Args) == 3 && os.Args[1] == "completion" {
		os.Stdout.WriteString("completion of " + os.Args[0] + " for " + os.Args[2])
		return
	}
	os.Stdout.WriteString(dep.Text + version)
}
`

// helloList is a list with the program.
const helloList = `tools:
- name: hello
  licence: MIT
  module: example.com/hello
  ldflags: -X main.version=$VERSION
  install: {hello: [/usr/bin/hello, /usr/sbin/hi]}
  completion:
    hello: {shells: [bash, zsh, fish], args: [completion, $SHELL]}
  bundle: [hello]
`

// modules makes a module proxy with the modules of the program, and an empty module cache. It
// returns the directory of the proxy.
func modules(t *testing.T) (proxy string) {
	t.Helper()
	proxy = t.TempDir()
	publishModule(t, proxy, "example.com/dep", "v1.0.0", map[string]string{
		"go.mod": "module example.com/dep\n\ngo 1.26.0\n", "LICENSE": "The licence of dep.",
		"dep.go": "package dep\n\nconst Text = \"hello \"\n",
	})
	publishModule(t, proxy, "example.com/hello", "v1.2.3", map[string]string{
		"go.mod":  "module example.com/hello\n\ngo 1.26.0\n\nrequire example.com/dep v1.0.0\n",
		"LICENSE": "The licence of hello.", "cmd/hello/main.go": hello,
	})
	for name, value := range map[string]string{
		"GOPROXY": "file://" + proxy, "GOPRIVATE": "", "GONOPROXY": "", "GONOSUMDB": "*",
		"GOMODCACHE": t.TempDir(), "GOWORK": "off",
	} {
		t.Setenv(name, value)
	}
	t.Cleanup(func() { cleanModules(t) })
	return proxy
}

// cleanModules empties the module cache, whose directories are read-only.
func cleanModules(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("go", "clean", "-modcache").CombinedOutput(); err != nil {
		t.Errorf("go clean -modcache: %v: %s", err, out)
	}
}

// publishModule writes a version of a module to the directory of a module proxy.
func publishModule(t *testing.T, proxy, path, version string, files map[string]string) {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(path + "@" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, files[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(proxy, path, "@v")
	write(t, dir, "list", version+"\n")
	write(t, dir, version+".info", fmt.Sprintf(`{"Version": %q}`, version))
	write(t, dir, version+".mod", files["go.mod"])
	write(t, dir, version+".zip", b.String())
}

// loadHello writes the list into a new directory, with entries after that of the program, and
// pins the module.
func loadHello(t *testing.T, entries string) (toolset.List, toolset.Options) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "tools/hello/go.mod", "module m\n\ngo 1.26.0\n\ntool example.com/hello/cmd/hello\n\nrequire example.com/hello v1.2.3\n")
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy")
	cmd.Dir = filepath.Join(dir, "tools/hello")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go mod tidy: %v: %s", err, out)
	}
	l, err := toolset.Load(write(t, dir, "tools.yaml", helloList+entries))
	if err != nil {
		t.Fatal(err)
	}
	return l, toolset.Options{Out: filepath.Join(dir, "out"), Cache: filepath.Join(dir, "cache"), Client: http.DefaultClient}
}

func TestPinMakesGoSumOfAModule(t *testing.T) {
	modules(t)
	dir := t.TempDir()
	write(t, dir, "tools/hello/go.mod", "module m\n\ngo 1.26.0\n\ntool example.com/hello/cmd/hello\n\nrequire example.com/hello v1.2.3\n")
	file := write(t, dir, "tools.yaml", helloList)
	l, err := toolset.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.CheckDigests(); err == nil {
		t.Error("the digests of the module are known before")
	}
	changes, err := toolset.Pin(t.Context(), http.DefaultClient, file)
	if err != nil || !slices.Equal(changes, []string{"hello v1.2.3: go.sum is made"}) {
		t.Errorf("changes %q, %v", changes, err)
	}
	if err := l.CheckDigests(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tools/hello/go.sum")); err != nil {
		t.Error(err)
	}
}

// The user's settings of Go, in the environment and in the file of go env -w, do not change the
// program.
func TestTheSettingsOfTheUserDoNotChangeAProgram(t *testing.T) {
	modules(t)
	var builds [2]string
	for i := range builds {
		l, o := loadHello(t, "")
		if i == 1 {
			t.Setenv("GOAMD64", "v3")
			t.Setenv("GOFLAGS", "")
			t.Setenv("GOENV", write(t, t.TempDir(), "env", "GOFLAGS=-gcflags=all=-N\n"))
			t.Setenv("GOWORK", write(t, t.TempDir(), "go.work", "go 1.26.0\n"))
		}
		if _, err := toolset.Stage(t.Context(), l, o); err != nil {
			t.Fatal(err)
		}
		builds[i] = tree(t, o.Out)["usr/bin/hello"]
	}
	if builds[0] != builds[1] {
		t.Error("the program has other bytes")
	}
}
