package cke_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/retry"
)

// withResources returns a file system with the user resources of the package.
func withResources(t *testing.T) host.FS {
	t.Helper()
	fs := host.FS{Root: t.TempDir()}
	for _, file := range slices.Concat(neco.CKEUserResourceFiles, neco.CKEUserResourceFilesPre) {
		if _, err := fs.Write(host.File{Path: file, Data: read(t, filepath.Base(file)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// resourceValues returns the values of the placeholders with this default block.
func resourceValues(t *testing.T, block string) map[string]string {
	t.Helper()
	values, err := cke.ImageValues(neco.CurrentArtifacts, []string{"quay.io/cybozu/unbound:1.14.0.1", "quay.io/cybozu/unbound_exporter:0.4.1.2"})
	if err != nil {
		t.Fatal(err)
	}
	values[cke.LBAddressDefault], values[cke.LBAddressBastion], values[cke.LBAddressInternet] = block, "", ""
	return values
}

func TestAnEnvironmentHasItsUserResources(t *testing.T) {
	fs := withResources(t)
	pools := []string{cke.LBAddressBastion, cke.LBAddressInternet}
	for env, want := range map[string]struct {
		cilium string
		unset  []string
	}{
		neco.ProdEnv: {"cilium.yaml", nil}, neco.StagingEnv: {"cilium-pre.yaml", pools}, neco.NoneEnv: {"cilium-pre.yaml", pools},
	} {
		all, err := cke.DesiredResources(fs, env, resourceValues(t, "10.72.32.0/20"))
		if err != nil {
			t.Fatal(err)
		}
		var files, unset []string
		for _, r := range all {
			files, unset = append(files, filepath.Base(r.File)), append(unset, r.Unset...)
			if bytes.Contains(r.Data, []byte("{{")) {
				t.Errorf("%s has a placeholder", r.File)
			}
		}
		if want := []string{"namespaces.yml", want.cilium, "coil.yaml", "unbound.yml", "squid.yml"}; !slices.Equal(files, want) {
			t.Errorf("files of %s: %q, want %q", env, files, want)
		}
		if !slices.Equal(unset, want.unset) {
			t.Errorf("empty in %s: %q, want %q", env, unset, want.unset)
		}
	}
}

func TestUserResourcesAreStoredInCKE(t *testing.T) {
	fs := withResources(t)
	standintest.Ckecli(t, fs)
	all, err := cke.DesiredResources(fs, neco.StagingEnv, resourceValues(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, r := range all {
			if err := cke.New(fs).SetResources(t.Context(), r.Data); err != nil {
				t.Errorf("%s: %v", r.File, err)
			}
		}
	}
	list, err := exec.CommandContext(t.Context(), fs.Path(neco.CKECLIBin), "--config="+fs.Path(neco.CKEConfFile), "resource", "list").Output()
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(string(list))
	for _, key := range []string{"Namespace/internet-egress", "ConfigMap/kube-system/bgp-config", "DaemonSet/kube-system/coild", "Deployment/internet-egress/unbound", "Service/internet-egress/squid"} {
		if !slices.Contains(keys, key) {
			t.Errorf("there is no %s in %q", key, keys)
		}
	}
	if len(keys) != 1+25+40+5+5 {
		t.Errorf("%d resources: %q", len(keys), keys)
	}
	if err := cke.New(fs).SetResources(t.Context(), []byte("# nothing\n")); err == nil || !strings.Contains(err.Error(), "ckecli resource set: ckecli: resource 0: no API version") || retry.MayPass(err) {
		t.Errorf("refused resources: %v", err)
	}
}

func TestAPlaceholderWithoutAValueIsNamedWithItsFile(t *testing.T) {
	fs := withResources(t)
	for _, name := range []string{"squid", "cke-unbound_exporter", "coil", cke.LBAddressDefault} {
		values := resourceValues(t, "")
		delete(values, name)
		if _, err := cke.DesiredResources(fs, neco.StagingEnv, values); err == nil || !strings.Contains(err.Error(), "template: "+neco.NecoDataDir) || !strings.Contains(err.Error(), fmt.Sprintf("no entry for key %q", name)) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if err := os.Remove(fs.Path(neco.CKEUserResourceFiles[4])); err != nil {
		t.Fatal(err)
	}
	if _, err := cke.DesiredResources(fs, neco.ProdEnv, resourceValues(t, "")); err == nil || !strings.Contains(err.Error(), neco.CKEUserResourceFiles[4]) {
		t.Errorf("without a file: %v", err)
	}
}

func TestAMalformedUserResourceIsNamedBeforeAnyIsStored(t *testing.T) {
	const good = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"
	for name, tt := range map[string]struct {
		text, want string
		fault      bool
	}{
		"no YAML":           {good + "---\na: [\n", "squid.yml: yaml: line 5: ", true},
		"two values":        {good + "kind: ConfigMap\n", "squid.yml: yaml: unmarshal errors:\n  line 4: mapping key \"kind\" already defined at line 2", true},
		"no name":           {good + "---\napiVersion: v1\nkind: Secret\n", "squid.yml: the object at line 5 has no metadata.name", true},
		"empty":             {"", "squid.yml: it has no object", true},
		"an empty document": {good + "---\n---\n" + good, "squid.yml: the object at line 5 has no apiVersion", true},
		"no object":         {"text\n", "squid.yml: yaml: unmarshal errors:\n  line 1: ", true},
		"an open action":    {good + "{{ .squid", "squid.yml:4: unclosed action", true},
		"an image not here": {good + "image: {{ .absent }}", `no entry for key "absent"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			fs := withResources(t)
			if _, err := fs.Write(host.File{Path: neco.CKEUserResourceFiles[4], Data: []byte(tt.text), Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			_, err := cke.DesiredResources(fs, neco.ProdEnv, resourceValues(t, ""))
			if err == nil || !strings.Contains(err.Error(), tt.want) || packagefault.Is(err) != tt.fault {
				t.Errorf("error %q; want %q, fault of the package %t", err, tt.want, tt.fault)
			}
		})
	}
}

func TestImagesHaveTheirFullNamesWithoutASuffix(t *testing.T) {
	set := neco.ArtifactSet{Images: []neco.ContainerImage{{Name: "a", Repository: "quay.io/b/a", Tag: "1", Private: true}}}
	got, err := cke.ImageValues(set, []string{"quay.io/cybozu/unbound:2"})
	if want := map[string]string{"a": "quay.io/b/a:1", "cke-unbound": "quay.io/cybozu/unbound:2"}; !maps.Equal(got, want) || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := cke.ImageValues(set, []string{"unbound"}); err == nil || !strings.Contains(err.Error(), `ckecli images: parse container image name "unbound"`) {
		t.Errorf("%v", err)
	}
}

func TestCkecliGetsTheResourcesAsStandardInput(t *testing.T) {
	c := ckecli(t, `[ "$2 $3 $4" = "resource set -" ] && cat >&2; exit 1`)
	err := c.SetResources(t.Context(), []byte("kind: A"))
	if err == nil || err.Error() != "ckecli resource set: kind: A (exit status 1)" || retry.MayPass(err) {
		t.Errorf("%v", err)
	}
	c = ckecli(t, "exit 0") // reads nothing
	if err := c.SetResources(t.Context(), make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
}

// TestThePackageContainsTheUserResources where the programs read them: debian/build copies etc
// to neco.NecoDataDir.
func TestThePackageContainsTheUserResources(t *testing.T) {
	for _, path := range slices.Concat(neco.CKEUserResourceFiles, neco.CKEUserResourceFilesPre, []string{neco.NecoDataDir + "/sabakan-state-setter.yml"}) {
		name, ok := strings.CutPrefix(path, neco.NecoDataDir+"/")
		if _, err := os.Stat("../../etc/" + name); !ok || err != nil {
			t.Errorf("%s is not in the package: %v", path, err)
		}
	}
}

// TestTheManifestsOfCiliumAreFresh compares the digests in their headers, because the
// chart is not rendered in tests.
func TestTheManifestsOfCiliumAreFresh(t *testing.T) {
	inputs, err := dirhash.HashDir("../../tools/cilium", "", dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cilium.yaml", "cilium-pre.yaml"} {
		var comments, body []byte
		for line := range bytes.Lines(read(t, name)) {
			if len(body) == 0 && bytes.HasPrefix(line, []byte("#")) {
				comments = append(comments, line...)
				continue
			}
			body = append(body, line...)
		}
		for _, line := range []string{"\n# Inputs: " + inputs + "\n", fmt.Sprintf("\n# Content: sha256:%x\n", sha256.Sum256(body))} {
			if !strings.Contains(string(comments), line) {
				t.Errorf("%s is stale or was edited: make generate-cilium; its header has no line%s%s", name, line, comments)
			}
		}
	}
}

// TestTheImagesOfCiliumAreThoseOfTheRelease: the chart contains full names, because the
// name of a Job in it is made from them.
func TestTheImagesOfCiliumAreThoseOfTheRelease(t *testing.T) {
	for _, file := range []string{"cilium.yaml", "cilium-pre.yaml"} {
		var found []string
		for _, line := range strings.Split(string(read(t, file)), "\n") {
			if _, image, ok := strings.Cut(line, " image: "); ok {
				found = append(found, image)
			}
		}
		slices.Sort(found)
		var want []string
		for _, name := range []string{"cilium", "cilium-certgen", "cilium-operator-generic", "hubble-relay"} {
			img, err := neco.CurrentArtifacts.FindContainerImage(name)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, img.FullName(false))
		}
		slices.Sort(want)
		if found = slices.Compact(found); !slices.Equal(found, want) {
			t.Errorf("%s has %q, want %q: change tools/cilium/values and make generate-cilium", file, found, want)
		}
	}
}
