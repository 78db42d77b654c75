package toolset_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// unzip returns the members of a ZIP archive: mode, time and contents.
func unzip(t *testing.T, file string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	members := map[string]string{}
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		members[m.Name] = fmt.Sprintf("%s %s %s", m.Mode(), m.Modified.UTC().Format("2006"), text)
	}
	return members
}

// untar returns the members of a compressed tar archive: mode, owner, time and contents.
func untar(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	members := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return members
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		members[h.Name] = fmt.Sprintf("%s %d:%d %s %s", h.FileInfo().Mode(), h.Uid, h.Gid, h.ModTime.UTC().Format("2006"), text)
	}
}

func TestTheBundlesOfOperators(t *testing.T) {
	modules(t)
	p := publish(t, nil)
	windows, linux := zipped(t, "x/x.exe", "X for Windows"), []byte("X for Linux")
	p.files = map[string][]byte{"/x": linux, "/x.zip": windows}
	entries := fmt.Sprintf(`- name: x
  licence: Apache-2.0
  version: v9
  url: %[1]s/x
  checksums: %[1]s/s
  sha256: %[2]s
  install: {x: [/usr/bin/x]}
  bundle: [x]
  platforms:
    windows/amd64: {url: "%[1]s/x.zip", sha256: %[3]s, bundle: {x/x.exe: xx.exe}}
- {name: y, licence: MIT, version: v1, url: %[1]s/y, checksums: %[1]s/s, install: {y: [/usr/bin/y]}, bundle: [y]}
- {name: z, licence: MIT, version: v1, url: %[1]s/x, checksums: %[1]s/s, sha256: %[2]s, install: {x: [/usr/bin/z]}}
`, p.URL, sum(linux), sum(windows))
	for platform, want := range map[string]struct {
		magic   string
		members []string
		missing []string
		source  string
	}{
		"windows/amd64": {"-rwxr-xr-x 2000 MZ", []string{"hello.exe", "third-party-licences.txt", "xx.exe"},
			[]string{"y v1 is left out: the list has no download for windows/amd64"}, "x v9, Apache-2.0, " + p.URL + "/x.zip\n"},
		"darwin/amd64": {"-rwxr-xr-x 2000 \xcf\xfa\xed\xfe", []string{"hello", "third-party-licences.txt"},
			[]string{"x v9 is left out: the list has no download for darwin/amd64", "y v1 is left out: the list has no download for darwin/amd64"}, ""},
		"linux/amd64": {"-rwxr-xr-x 2000 \x7fELF", []string{"hello", "third-party-licences.txt", "x"},
			[]string{"y v1 is left out: its SHA-256 is unknown; make tools-pin reads it from " + p.URL + "/s"}, "x v9, Apache-2.0, " + p.URL + "/x\n"},
	} {
		t.Run(platform, func(t *testing.T) {
			var builds [2][]byte
			for i := range builds { // each in a directory and with a cache of its own
				l, o := loadHello(t, entries)
				o.Out, o.Client = filepath.Join(t.TempDir(), "bundle.zip"), p.Client()
				got, err := toolset.Bundle(t.Context(), l, platform, o)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(toolset.Staged{Missing: want.missing}, got); d != "" {
					t.Errorf("the result (-want +got):\n%s", d)
				}
				if builds[i], err = os.ReadFile(o.Out); err != nil {
					t.Fatal(err)
				}
				members := unzip(t, o.Out)
				if names := slices.Sorted(maps.Keys(members)); !slices.Equal(names, want.members) {
					t.Errorf("members %q, want %q", names, want.members)
				}
				if program := members[want.members[0]]; !strings.HasPrefix(program, want.magic) {
					t.Errorf("%s is %.40q", want.members[0], program)
				}
				licences := members["third-party-licences.txt"]
				for _, text := range []string{
					"-rw-r--r-- 2000 hello v1.2.3, MIT, https://pkg.go.dev/example.com/hello@v1.2.3\n" + want.source,
					"\nGo\n", "\nexample.com/dep v1.0.0\n", "The licence of dep.", "\nexample.com/hello v1.2.3\n", "The licence of hello.",
				} {
					if !strings.Contains(licences, text) {
						t.Errorf("the licences lack %q", text)
					}
				}
			}
			if !bytes.Equal(builds[0], builds[1]) {
				t.Error("a second build has other bytes")
			}
		})
	}
}

// A bundle with some programs of a download leaves all of them in the cache for the package.
func TestABundleAndThePackageShareADownload(t *testing.T) {
	archive := tarball(t, map[string]string{"a": "A", "b": "B"})
	p := publish(t, map[string][]byte{"/x.tgz": archive})
	dir := t.TempDir()
	l, err := toolset.Load(write(t, dir, "tools.yaml", fmt.Sprintf("tools:\n- {name: x, licence: MIT, version: v1, url: %[1]s/x.tgz, checksums: %[1]s/s, sha256: %[2]s, install: {a: [/usr/bin/a], b: [/usr/bin/b]}, bundle: [a]}\n", p.URL, sum(archive))))
	if err != nil {
		t.Fatal(err)
	}
	o := toolset.Options{Out: filepath.Join(dir, "bundle"), Cache: filepath.Join(dir, "cache"), Client: p.Client()}
	if _, err := toolset.Bundle(t.Context(), l, "linux/amd64", o); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"usr/bin/a": "A"}, tree(t, o.Out)); d != "" {
		t.Errorf("the bundle (-want +got):\n%s", d)
	}
	o.Out = filepath.Join(dir, "package")
	if _, err := toolset.Stage(t.Context(), l, o); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, o.Out); got["usr/bin/a"] != "A" || got["usr/bin/b"] != "B" || p.requests != 1 {
		t.Errorf("the package has %q, after %d requests", got, p.requests)
	}
}

func TestABundleWithoutProgramsIsAnError(t *testing.T) {
	l, err := toolset.Load(write(t, t.TempDir(), "tools.yaml", "tools:\n- {name: y, licence: MIT, version: v1, url: https://h/y, checksums: https://h/s, install: {y: [/usr/bin/y]}, bundle: [y]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for platform, want := range map[string]string{
		"windows/amd64": "no program is in the bundle for windows/amd64\ny v1 is left out: the list has no download for windows/amd64",
		"linux/amd64":   "no program is in the bundle for linux/amd64\ny v1 is left out: its SHA-256 is unknown",
		"plan9/amd64":   `there are no bundles for the platform "plan9/amd64", only for linux/amd64, windows/amd64, darwin/amd64`,
	} {
		o := toolset.Options{Out: filepath.Join(t.TempDir(), "bundle.zip"), Cache: t.TempDir()}
		if _, err := toolset.Bundle(t.Context(), l, platform, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", platform, err, want)
		}
		if _, err := os.Stat(o.Out); err == nil {
			t.Errorf("%s: the archive exists", platform)
		}
	}
}

// The package has the programs with their completions, and the bundle for nodes.
func TestThePackageHasCompletionsAndTheBundleForNodes(t *testing.T) {
	modules(t)
	const missing = "- {name: y, licence: MIT, version: v1, url: https://h/y, checksums: https://h/s, install: {y: [/usr/bin/y]}, bundle: [y], completion: {y: {shells: [bash], args: [$SHELL]}}}\n"
	var bundles [2][]byte
	for i := range bundles {
		l, o := loadHello(t, missing)
		o.StandIns = t.TempDir()
		write(t, o.StandIns, "y", "a stand-in, which cannot be run")
		write(t, l.Dir, "hello/root/etc/hello", "a file")
		if _, err := toolset.Stage(t.Context(), l, o); err != nil {
			t.Fatal(err)
		}
		got := tree(t, o.Out)
		bundles[i] = []byte(got["usr/libexec/neco/neco-operation-cli.tgz"])
		delete(got, "usr/libexec/neco/neco-operation-cli.tgz")
		program := got["usr/bin/hello"]
		want := map[string]string{
			"etc/hello": "a file", "usr/bin/hello": program, "usr/sbin/hi": "-> ../bin/hello", "usr/bin/y": "a stand-in, which cannot be run",
			"usr/share/bash-completion/completions/hello":    "completion of hello for bash",
			"usr/share/zsh/vendor-completions/_hello":        "completion of hello for zsh",
			"usr/share/fish/vendor_completions.d/hello.fish": "completion of hello for fish",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("the package (-want +got):\n%s", d)
		}
		out, err := exec.CommandContext(t.Context(), filepath.Join(o.Out, "usr/bin/hello")).Output()
		if err != nil || string(out) != "hello v1.2.3" {
			t.Errorf("the program prints %q, %v", out, err)
		}
		nodes := untar(t, filepath.Join(o.Out, "usr/libexec/neco/neco-operation-cli.tgz"))
		if names := slices.Sorted(maps.Keys(nodes)); !slices.Equal(names, []string{"hello", "third-party-licences.txt", "y"}) {
			t.Errorf("the bundle for nodes has %q", names)
		}
		if nodes["hello"] != "-rwxr-xr-x 0:0 2000 "+program || !strings.Contains(nodes["third-party-licences.txt"], "The licence of dep.") {
			t.Errorf("the bundle for nodes has %.40q, licences %q", nodes["hello"], nodes["third-party-licences.txt"])
		}
	}
	if !bytes.Equal(bundles[0], bundles[1]) {
		t.Error("a second bundle has other bytes")
	}
}

// The licences are complete although the program was not built from the source in the module
// cache.
func TestLicencesOfModulesThatAreNotThereAreDownloaded(t *testing.T) {
	modules(t)
	l, o := loadHello(t, "")
	if _, err := toolset.Stage(t.Context(), l, o); err != nil {
		t.Fatal(err)
	}
	var before, after bytes.Buffer
	if err := toolset.WriteLicences(t.Context(), &before, l, o.Out); err != nil {
		t.Fatal(err)
	}
	cleanModules(t)
	if err := toolset.WriteLicences(t.Context(), &after, l, o.Out); err != nil || before.String() != after.String() {
		t.Errorf("%v; the licences are %q, and were %q", err, after.String(), before.String())
	}
	cleanModules(t)
	t.Setenv("GOPROXY", "off")
	after.Reset()
	if err := toolset.WriteLicences(t.Context(), &after, l, o.Out); err == nil || !strings.Contains(err.Error(), "example.com/dep@v1.0.0") || after.Len() > 0 {
		t.Errorf("without a proxy: %v, %q", err, after.String())
	}
}

func TestACompletionThatFailsIsNamed(t *testing.T) {
	for script, want := range map[string]string{
		"echo no such command >&2; exit 3": "the completion for bash: x completion bash: exit status 3: no such command",
		"":                                 "the completion for bash: x completion bash: the program prints nothing",
	} {
		program := []byte("#!/bin/sh\n" + script + "\n")
		p := publish(t, map[string][]byte{"/x": program})
		dir := t.TempDir()
		l, err := toolset.Load(write(t, dir, "tools.yaml", fmt.Sprintf("tools:\n- {name: x, licence: MIT, version: v1, url: %[1]s/x, checksums: %[1]s/s, sha256: %[2]s, install: {x: [/usr/bin/x]}, completion: {x: {shells: [bash], args: [completion, $SHELL]}}}\n", p.URL, sum(program))))
		if err != nil {
			t.Fatal(err)
		}
		_, err = toolset.Stage(t.Context(), l, toolset.Options{Out: filepath.Join(dir, "out"), Cache: filepath.Join(dir, "cache"), Client: p.Client()})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `tool "x"`) {
			t.Errorf("%q: %v, want %q", script, err, want)
		}
	}
}
