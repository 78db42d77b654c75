package toolset_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// The list of the repository must be valid.
func TestTheListOfThePackageIsValid(t *testing.T) {
	l, err := toolset.Load("../../debian/tools.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range l.Tools {
		if tool.Module == "" && !strings.Contains(tool.URL, tool.Version) && tool.Name != "logcli" {
			t.Errorf("%s: the address %s does not contain the version", tool.Name, tool.URL)
		}
	}
}

// write writes a file below dir and returns its name.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAListThatIsWrongIsNamed(t *testing.T) {
	const good = "tools:\n- name: x\n  licence: MIT\n  version: v1\n  url: https://h/x\n  checksums: https://h/s\n  install: {x: [/usr/bin/x]}\n"
	tests := []struct{ name, old, new, want string }{
		{"a field that does not exist", "licence:", "license:", "line 3: unknown field license"},
		{"no licence", "  licence: MIT\n", "", `tool "x": licence is missing`},
		{"no name", "name: x", "name: X Y", "the name must consist of"},
		{"no version", "  version: v1\n", "", "version is missing"},
		{"no source", "url: https://h/x", "url: ''", "either module or url is needed"},
		{"two sources", "version: v1", "module: example.com/x", "either module or url is needed"},
		{"no TLS", "https://h/x", "http://h/x", `url: "http://h/x" is not an address that begins with https://`},
		{"no checksums", "  checksums: https://h/s\n", "", `checksums: "" is not an address`},
		{"a licence without version", "version: v1", "version: v1\n  licenceModule: example.com/x", "licenceModule: it must be PATH@VERSION"},
		{"a licence of another major version", "version: v1", "version: v1\n  licenceModule: example.com/x@v2.0.0", "licenceModule: it must be PATH@VERSION"},
		{"a digest of another form", "version: v1", "version: v1\n  sha256: 12AB", `sha256: "12AB" is not 64`},
		{"a relative path", "/usr/bin/x", "usr/bin/x", `install: "usr/bin/x" is not the absolute path`},
		{"a path that leaves the package", "/usr/bin/x", "/usr/../../x", "is not the absolute path"},
		{"nothing to install", "{x: [/usr/bin/x]}", "{}", "install is missing"},
		{"a program that the download is not", "{x: ", "{y: ", "install: the only key must be x"},
		{"a bundle of another program", "install:", "bundle: [y]\n  install:", `bundle: "y" is not in install`},
		{"two programs at one path", "install: {x: [/usr/bin/x]}", "install: {x: [/usr/bin/x]}\n- name: y\n  licence: MIT\n  version: v1\n  url: https://h/x\n  checksums: https://h/s\n  install: {x: [/usr/bin/x]}", `tool "y": x also installs /usr/bin/x`},
		{"flags of a module", "version: v1", "version: v1\n  tags: x", "tags, ldflags and cgo are for modules"},
		{"a module that is not there", "version: v1\n  url: https://h/x\n  checksums: https://h/s", "module: example.com/x", "go.mod: no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("the list has no %q", tt.old)
			}
			_, err := toolset.Load(write(t, t.TempDir(), "tools.yaml", strings.Replace(good, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestAModuleHasItsVersionInGoMod(t *testing.T) {
	dir := t.TempDir()
	const list = "tools:\n- name: x\n  licence: MIT\n  module: example.com/x\n  install: {x: [/usr/bin/x-$NUMBER]}\n"
	write(t, dir, "tools/x/go.mod", "module m\n\ngo 1.26.0\n\ntool example.com/x/cmd/x\n\nrequire example.com/x v1.2.3\n")
	l, err := toolset.Load(write(t, dir, "tools.yaml", list))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Tools[0]; got.Version != "v1.2.3" || got.Install["x"][0] != "/usr/bin/x-1.2.3" {
		t.Errorf("got %+v", got)
	}
	for text, want := range map[string]string{
		"version: v1":                "remove them here",
		"install: {y: [/usr/bin/y]}": "has no tool directive for y",
	} {
		field, _, _ := strings.Cut(text, ":")
		changed := strings.Replace(list, "  "+field+":", "  "+text+"\n  #", 1)
		if field == "version" {
			changed = list + "  " + text + "\n"
		}
		if _, err := toolset.Load(write(t, dir, "tools.yaml", changed)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A module in the directory of the list replaces the module of the tool, so that the build needs no
// network.
func TestAModuleIsBuiltWithItsVersion(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "tools/x/go.mod", "module m\n\ngo 1.26.0\n\ntool example.com/x/cmd/show\n\nrequire example.com/x v1.2.3\n\nreplace example.com/x => ./x\n")
	write(t, dir, "tools/x/go.sum", "")
	write(t, dir, "tools/x/x/go.mod", "module example.com/x\n\ngo 1.26.0\n")
	write(t, dir, "tools/x/x/cmd/show/main.go", "package main\n\nvar version, number = \"\", \"\"\n\nfunc main() { print(version, \" \", number) }\n")
	const list = "tools:\n- name: x\n  licence: MIT\n  module: example.com/x\n  ldflags: -X main.version=$VERSION -X main.number=$NUMBER\n  install: {show: [/usr/bin/show]}\n"
	l, err := toolset.Load(write(t, dir, "tools.yaml", list))
	if err != nil {
		t.Fatal(err)
	}
	var builds []string
	o := toolset.Options{Cache: filepath.Join(dir, "cache"), Log: func(text string) { builds = append(builds, text) }}
	for _, out := range []string{"one", "two"} {
		o.Out = filepath.Join(dir, out)
		got, err := toolset.Stage(t.Context(), l, o)
		if err != nil || got.Complete() != nil {
			t.Fatal(err, got.Complete())
		}
		text, err := exec.CommandContext(t.Context(), filepath.Join(o.Out, "usr/bin/show")).CombinedOutput()
		if err != nil || string(text) != "v1.2.3 1.2.3" {
			t.Errorf("%s: the program prints %q, %v", out, text, err)
		}
	}
	if len(builds) != 1 {
		t.Errorf("it was built %d times, want once: %q", len(builds), builds)
	}
}

// publisher serves files, and counts the requests.
type publisher struct {
	*httptest.Server
	files    map[string][]byte
	requests int
}

func publish(t *testing.T, files map[string][]byte) *publisher {
	p := &publisher{files: files}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests++
		data, ok := p.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	}))
	t.Cleanup(p.Close)
	return p
}

func tarball(t *testing.T, members map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range members {
		h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, target, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			fmt.Fprint(w, text)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, text)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// tree returns the files below dir with their contents, and "-> target" for symbolic links.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if target, err := os.Readlink(name); err == nil {
			files[rel] = "-> " + target
			return nil
		}
		data, err := os.ReadFile(name)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDownloadsAreStaged(t *testing.T) {
	p := publish(t, nil)
	archive, program, z := tarball(t, map[string]string{"./d/a": "A", "other": "O"}), []byte("P"), zipped(t, "q", "Q")
	p.files = map[string][]byte{"/a.tgz": archive, "/p": program, "/q.zip": z}
	dir := t.TempDir()
	list := fmt.Sprintf(`tools:
- {name: a, licence: MIT, version: v1, url: %[1]s/a.tgz, checksums: %[1]s/s, sha256: %[2]s, install: {d/a: [/usr/bin/a, /usr/sbin/b]}}
- {name: p, licence: MIT, version: v1, url: %[1]s/p, checksums: %[1]s/s, sha256: %[3]s, install: {p: [/usr/bin/pp]}}
- {name: q, licence: MIT, version: v1, url: %[1]s/q.zip, checksums: %[1]s/s, sha256: %[4]s, install: {q: [/usr/bin/q]}}
- {name: r, licence: MIT, version: v9, url: %[1]s/r, checksums: %[1]s/s, install: {r: [/usr/bin/r]}}
`, p.URL, sum(archive), sum(program), sum(z))
	write(t, dir, "tools/a/root/lib/systemd/system/a.service", "unit")
	write(t, dir, "tools/r/root/lib/systemd/system/r.service", "unit")
	l, err := toolset.Load(write(t, dir, "tools.yaml", list))
	if err != nil {
		t.Fatal(err)
	}
	o := toolset.Options{Out: filepath.Join(dir, "one"), Cache: filepath.Join(dir, "cache"), Client: p.Client()}
	got, err := toolset.Stage(t.Context(), l, o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"usr/bin/a": "A", "usr/sbin/b": "-> ../bin/a", "usr/bin/pp": "P", "usr/bin/q": "Q", "lib/systemd/system/a.service": "unit"}
	if d := cmp.Diff(want, tree(t, o.Out)); d != "" {
		t.Errorf("without a digest (-want +got):\n%s", d)
	}
	if err := got.Complete(); err == nil || !strings.Contains(err.Error(), "r v9 is left out: its SHA-256 is unknown; make tools-pin") {
		t.Errorf("the result is complete: %v", err)
	}
	if info, err := os.Stat(filepath.Join(o.Out, "usr/bin/a")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}

	requests := p.requests
	write(t, dir, "stand-ins/r", "R")
	o.Out, o.StandIns = filepath.Join(dir, "two"), filepath.Join(dir, "stand-ins")
	got, err = toolset.Stage(t.Context(), l, o)
	if err != nil || p.requests != requests {
		t.Errorf("a second time: %v, %d requests; want none", err, p.requests-requests)
	}
	want["usr/bin/r"], want["lib/systemd/system/r.service"] = "R", "unit"
	if d := cmp.Diff(want, tree(t, o.Out)); d != "" {
		t.Errorf("with a stand-in (-want +got):\n%s", d)
	}
	if err := got.Complete(); err == nil || !strings.Contains(err.Error(), "stand-ins for tests: r") {
		t.Errorf("the result is complete: %v", err)
	}
}

func TestADownloadThatIsWrongIsRefused(t *testing.T) {
	p := publish(t, nil)
	for name, tt := range map[string]struct {
		data         []byte
		digest, want string
	}{
		"another digest": {tarball(t, map[string]string{"a": "A"}), sum([]byte("x")), "digest"},
		"no archive":     {[]byte("<html>"), "", "a.tgz: "},
		"half":           {tarball(t, map[string]string{"a": strings.Repeat("A", 9999)})[:40], "", "unexpected EOF"},
		"no member":      {tarball(t, map[string]string{"b": "B"}), "", `the archive has no ["a"]`},
		"a link":         {tarball(t, map[string]string{"a": "-> /etc/passwd"}), "", "a is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			p.files = map[string][]byte{"/a.tgz": tt.data}
			if tt.digest == "" {
				tt.digest = sum(tt.data)
			}
			dir := t.TempDir()
			l, err := toolset.Load(write(t, dir, "tools.yaml", fmt.Sprintf("tools:\n- {name: a, licence: MIT, version: v1, url: %[1]s/a.tgz, checksums: %[1]s/s, sha256: %[2]s, install: {a: [/usr/bin/a]}}\n", p.URL, tt.digest)))
			if err != nil {
				t.Fatal(err)
			}
			o := toolset.Options{Out: filepath.Join(dir, "out"), Cache: filepath.Join(dir, "cache"), Client: p.Client()}
			_, err = toolset.Stage(t.Context(), l, o)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), `tool "a"`) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if files := tree(t, o.Cache); len(files) > 0 {
				t.Errorf("the cache has %v", files)
			}
		})
	}
}
