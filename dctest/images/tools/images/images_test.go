package main

import (
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const set = `// Package x has a set.
package x

var CurrentArtifacts = ArtifactSet{
	Images: []ContainerImage{
		{Name: "etcd", Repository: "quay.io/cybozu/etcd", Tag: "3.5.4.1", Private: false},
		{Name: "coil", Repository: "ghcr.io/cybozu-go/coil", Tag: "2.0.14", Private: false},
	},
	Debs:    []DebianPackage{{Name: "etcdpasswd", Owner: "cybozu-go", Repository: "etcdpasswd", Release: "v1.4.0"}},
	OSImage: OSImage{Channel: "stable", Version: "3139.2.1"},
}
`

func TestTheTestSetHasTheVersionsOfWhatIsBuilt(t *testing.T) {
	dir := t.TempDir()
	source, target := filepath.Join(dir, "artifacts.go"), filepath.Join(dir, "test.go")
	if err := os.WriteFile(source, []byte(set), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeTestSet(source, target); err != nil {
		t.Fatal(err)
	}
	got, err := readArtifacts(target)
	if err != nil {
		t.Fatal(err)
	}
	if got.images[0].Tag != "3.6.16.1" || got.images[1].Tag != "2.0.14" || got.debs[0].Release != "v1.4.0" || got.system.Version != "3139.2.1" {
		t.Errorf("%+v", got)
	}
}

func TestAChangedFileGivesAnotherKey(t *testing.T) {
	dir := t.TempDir()
	keys := map[string]bool{}
	for _, text := range []string{"a", "b", "a"} {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		key, err := keyOfDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		keys[key] = true
	}
	if len(keys) != 2 {
		t.Errorf("%d keys of two contents", len(keys))
	}
}

func TestDpkgReadsThePackage(t *testing.T) {
	dpkg, err := exec.LookPath("dpkg-deb")
	if err != nil {
		t.Fatal("dpkg-deb is not installed here; it is in the Debian package dpkg")
	}
	dir := t.TempDir()
	agent, deb := filepath.Join(dir, "agent"), filepath.Join(dir, "x.deb")
	if err := os.WriteFile(agent, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeEtcdpasswd(deb, "1.4.0", agent); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), dpkg, "--field", deb, "Version").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "1.4.0" {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := exec.CommandContext(t.Context(), dpkg, "--extract", deb, dir).CombinedOutput(); err != nil {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "usr/sbin/ep-agent")); err != nil {
		t.Error(err)
	}
}

func TestTheRAMDiskIsAnArchiveOfWords(t *testing.T) {
	data, err := initrd("label\n")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || len(text)%4 != 0 || !strings.HasPrefix(string(text), "070701") || !strings.Contains(string(text), "TRAILER!!!") {
		t.Errorf("%q, %v", text, err)
	}
}
