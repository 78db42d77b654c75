package toolset_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func TestLicencesOfAProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "toolset")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../cmd/toolset").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, "--list", "../../debian/tools.yaml", "licences", filepath.Dir(program)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"\nGo\n", "\ngithub.com/spf13/cobra v", "\ngo.yaml.in/yaml/v3 v", "Apache License"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the licences lack %q", want)
		}
	}
	if bytes.Contains(out, []byte("github.com/cybozu-go/neco")) {
		t.Error("the licences contain Neco's own")
	}
}

// licencesOf loads a list with a download x that has the fields, puts a program of it into a
// directory, and returns the licences of the directory.
func licencesOf(t *testing.T, fields string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	l, err := toolset.Load(write(t, dir, "tools.yaml", fmt.Sprintf("tools:\n- name: x\n  licence: MIT\n  version: v1.2.3\n  url: https://h/x\n  checksums: https://h/s\n  install: {x: [/usr/bin/x]}\n%s", fields)))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "out/usr/bin/x", "a program")
	var text bytes.Buffer
	err = toolset.WriteLicences(t.Context(), &text, l, filepath.Join(dir, "out"))
	return text.String(), err
}

// A download does not say from which source it was built.
func TestADownloadHasItsOwnLicence(t *testing.T) {
	proxy := modules(t)
	publishModule(t, proxy, "example.com/none", "v1.2.3", map[string]string{"go.mod": "module example.com/none\n"})
	known := "  sha256: " + sum(nil) + "\n"
	text, err := licencesOf(t, known+"  licenceModule: example.com/hello@$VERSION\n")
	if err != nil || !strings.Contains(text, "\nexample.com/hello v1.2.3\n") || !strings.Contains(text, "The licence of hello.") {
		t.Errorf("%q, %v", text, err)
	}
	for name, want := range map[string]string{
		"none": "example.com/none v1.2.3: the module has no file with a licence",
		"gone": "example.com/gone@v1.2.3",
	} {
		module := "  licenceModule: example.com/" + name + "@$VERSION\n"
		if text, err := licencesOf(t, known+module); err == nil || !strings.Contains(err.Error(), want) || text != "" {
			t.Errorf("%s: %q, %v, want %q", name, text, err, want)
		}
		if _, err := licencesOf(t, module); err != nil {
			t.Errorf("%s: a stand-in: %v", name, err)
		}
	}
}

func TestToolsWithoutALicenceAreNamed(t *testing.T) {
	modules(t)
	const entry = "- {name: %[1]s, licence: MIT, version: v1.2.3, url: https://h/%[1]s, checksums: https://h/s, install: {%[1]s: [/usr/bin/%[1]s]}%[2]s}\n"
	y := fmt.Sprintf(entry, "y", ", licenceModule: example.com/hello@$VERSION")
	l, _ := loadHello(t, fmt.Sprintf(entry, "x", "")+y)
	if err := l.CheckLicences(); err == nil || !strings.HasPrefix(err.Error(), "these have no text of their own licence:\n  x v1.2.3\nset licenceModule ") {
		t.Errorf("%v", err)
	}
	l, _ = loadHello(t, y)
	if err := l.CheckLicences(); err != nil {
		t.Errorf("with a licence for each: %v", err)
	}
}
