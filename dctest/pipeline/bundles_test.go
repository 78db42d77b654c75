package main

import (
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program is the download of each platform in the list of a publisher.
const program = "#!/bin/sh\necho \"completion for $2\"\n"

// offer starts a publisher that offers a program for each platform. It returns a list with the
// program, and the variables with which the tools of the repository trust the publisher.
func offer(t *testing.T) (list string, env []string) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, program) }))
	t.Cleanup(s.Close)
	cert := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	licence := strings.TrimSpace(output(t, "go", "list", "-m", "-f", "{{.Path}}@{{.Version}}", "github.com/spf13/cobra"))
	goCache := output(t, "go", "env", "GOCACHE")
	return fmt.Sprintf(`tools:
  - name: x
    licence: MIT
    licenceModule: %[3]s
    version: v1
    url: %[1]s/x
    checksums: %[1]s/sums
    sha256: %[2]x
    install: {x: [/usr/bin/x]}
    completion: {x: {shells: [bash], args: [completion, $SHELL]}}
    bundle: [x]
    platforms:
      windows/amd64: {url: "%[1]s/x.exe", sha256: %[2]x, bundle: {x.exe: x.exe}}
      darwin/amd64: {url: "%[1]s/x-mac", sha256: %[2]x, bundle: {x-mac: x}}
`, s.URL, sha256.Sum256([]byte(program)), licence), []string{"SSL_CERT_FILE=" + cert, "GOCACHE=" + strings.TrimSpace(goCache)}
}

// contents returns the files in dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	return all
}

// output runs a command, which must succeed, and returns its output.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// The bundles have the same bytes when they are built again with an empty cache in another
// directory.
func TestTheBundlesAreReproducible(t *testing.T) {
	const version = "2026.11.30-1"
	list, env := offer(t)
	file := filepath.Join(t.TempDir(), "tools.yaml")
	if err := os.WriteFile(file, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	var builds [2]map[string]string
	var dir string
	for i := range builds {
		dir = filepath.Join(t.TempDir(), "out")
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, "debian/bundles"), dir, version)
		cmd.Env = append(append(os.Environ(), env...), "NECO_TOOLS_LIST="+file, "XDG_CACHE_HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		builds[i] = contents(t, dir)
	}
	want := slices.DeleteFunc(files(version), func(name string) bool { return strings.HasPrefix(name, "neco_") })
	if names := slices.Collect(maps.Keys(builds[0])); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the files are %q, want %q", names, want)
	}
	if !maps.Equal(builds[0], builds[1]) {
		t.Error("a second build has other bytes")
	}

	deb := filepath.Join(dir, "neco-operation-cli-linux_"+version+"_amd64.deb")
	fields := output(t, "dpkg-deb", "--field", deb, "Package", "Version", "Architecture", "Conflicts")
	if want := "Package: neco-operation-cli-linux\nVersion: " + version + "\nArchitecture: amd64\nConflicts: neco\n"; fields != want {
		t.Errorf("the package has the fields %q, want %q", fields, want)
	}
	tree := t.TempDir()
	output(t, "dpkg-deb", "--extract", deb, tree)
	for name, want := range map[string]string{
		"usr/bin/x": program,
		"usr/share/bash-completion/completions/x": "completion for bash\n",
	} {
		if data, err := os.ReadFile(filepath.Join(tree, name)); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	licences, err := os.ReadFile(filepath.Join(tree, "usr/share/doc/neco-operation-cli-linux/copyright"))
	if err != nil || !strings.HasPrefix(string(licences), "x v1, MIT, https://") || !strings.Contains(string(licences), "\ngithub.com/spf13/cobra v") {
		t.Errorf("the licences are %q, %v", licences, err)
	}
}

// builder is a script that replaces debian/build. It builds a package that lists the programs of
// other projects.
const builder = `#!/bin/sh
set -eu
[ "$1" != --check ] || exit 0
mkdir -p "$1"
ls "$NECO_TOOLS/usr/bin" >"$1/neco_$2_amd64.deb"
cd "$1" && sha256sum "neco_$2_amd64.deb" >"neco_$2_amd64.deb.sha256"
`

// goCommand is a script that replaces go: the clone has no source. nfpm writes no package.
const goCommand = `#!/bin/sh
set -eu
case "$1 $2" in
"run ./cmd/toolset") shift 2; exec "$GH_DIR/toolset" "$@" ;;
"run ./cmd/release-digests") echo "unknown  x" ;;
"tool -modfile=tools/go.mod") for file; do :; done; echo deb >"$file" ;;
*) exec "$REAL_GO" "$@" ;;
esac
`

// A release has all programs of the list, and none that replaces another for tests.
func TestTheFilesOfAReleaseAreComplete(t *testing.T) {
	const version = "2026.11.30-1"
	list, env := offer(t)
	f := newFork(t)
	goPath, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	output(t, "go", "build", "-C", root, "-o", filepath.Join(f.gh, "toolset"), "./cmd/toolset")
	f.env = append(append(f.env, env...), "XDG_CACHE_HOME="+t.TempDir(), "REAL_GO="+goPath)
	f.write(t, filepath.Join(f.gh, "go"), goCommand, 0o755)
	f.write(t, filepath.Join(f.dir, "debian/build"), builder, 0o755)
	yaml := filepath.Join(f.dir, "debian/tools.yaml")

	f.write(t, yaml, strings.ReplaceAll(list, fmt.Sprintf("sha256: %x, bundle: {x.exe", sha256.Sum256([]byte(program))), "bundle: {x.exe"), 0o644)
	f.commit(t)
	f.refuse(t, "a release must contain all programs of debian/tools.yaml: the digests of these are unknown:\n"+
		"  x v1 for windows/amd64\nrun make tools-pin ", "files", "test-"+version)
	f.write(t, yaml, strings.ReplaceAll(list, "licenceModule: ", "# "), 0o644)
	f.commit(t)
	f.refuse(t, "a release must contain the licences of all programs of debian/tools.yaml: these have no text of their own licence:\n"+
		"  x v1\nset licenceModule ", "files", "test-"+version)
	f.write(t, yaml, list, 0o644)
	f.commit(t)
	for _, name := range []string{"NECO_ARTIFACTS", "NECO_DIGESTS", "NECO_CKE", "NECO_TOOLS", "NECO_TOOLS_LIST"} {
		g := f
		g.env = append(slices.Clone(f.env), name+"=x")
		g.refuse(t, name+" is set: it replaces files of the package for tests; run: unset "+name, "files", "test-"+version)
	}
	if _, err := os.Stat(filepath.Join(f.dir, "build/release")); err == nil {
		t.Error("a release that was refused has files")
	}

	f.release(t, "files", "test-"+version)
	got := contents(t, filepath.Join(f.dir, "build/release"))
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, slices.Sorted(slices.Values(files(version)))) {
		t.Errorf("the files are %q, want %q", names, files(version))
	}
	if deb := got["neco_"+version+"_amd64.deb"]; deb != "x\n" {
		t.Errorf("the package has the programs %q", deb)
	}
	f.git(t, "tag", "test-"+version)
	f.release(t, "create", "test-"+version)
}
