package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEveryFileIsRead(t *testing.T) {
	var found []string
	for _, pattern := range []string{"*.yml", "*.yaml"} {
		names, err := filepath.Glob(etc + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found = append(found, filepath.Base(name))
		}
	}
	// These files contain no Kubernetes objects.
	known := append([]string{"cke-template.yml", "cke-template-pre.yml", "sabakan-state-setter.yml"}, files...)
	slices.Sort(found)
	slices.Sort(known)
	if !slices.Equal(found, known) {
		t.Errorf("etc has %v, known are %v", found, known)
	}
}

func TestEveryObjectDecodesStrictly(t *testing.T) {
	for file, want := range map[string]int{"namespaces.yml": 1, "cilium.yaml": 24, "cilium-pre.yaml": 25, "coil.yaml": 40, "unbound.yml": 5, "squid.yml": 5} {
		if all := read(t, file); len(all) != want {
			t.Errorf("%s has %d objects, want %d", file, len(all), want)
		}
	}
}

// TestWhatCKERefusesIsFound checks the checks.
func TestWhatCKERefusesIsFound(t *testing.T) {
	const good = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: b\n"
	if all, err := decode([]byte(good + "---\n" + strings.Replace(good, "name: a", "name: c", 1))); err != nil || len(all) != 2 {
		t.Fatalf("%d objects, %v", len(all), err)
	}
	for name, text := range map[string]string{
		"a document of comments":    "# comment\n---\n" + good,
		"an empty document":         good + "---\n---\n" + good,
		"no name":                   strings.Replace(good, "name: a", "labels: {}", 1),
		"no API version":            strings.Replace(good, "apiVersion: v1\n", "", 1),
		"the same object again":     good + "---\n" + good,
		"an unknown field":          good + "datas: {}\n",
		"a field in another case":   good + "Data: {}\n",
		"a field twice":             good + "data: {a: b}\ndata: {}\n",
		"a custom resource":         "apiVersion: coil.cybozu.com/v2\nkind: AddressPool\nmetadata:\n  name: a\n",
		"a kind of another version": "apiVersion: policy/v1\nkind: PodSecurityPolicy\nmetadata:\n  name: a\n",
	} {
		if all, err := decode([]byte(text)); err == nil {
			t.Errorf("%s is accepted: %d objects", name, len(all))
		}
	}
}

func TestAContradictionIsFound(t *testing.T) {
	text, err := os.ReadFile(etc + "squid.yml")
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{"      labels:\n        app.kubernetes.io/name: squid", "      labels:\n        app.kubernetes.io/name: proxy"}:                                 "selector does not match",
		{"            name: local-unbound", "            name: unbound"}:                                                                                 "no ConfigMap/internet-egress/unbound",
		{"targetPort: 3128", "targetPort: 3129"}:                                                                                                         "no port 3129",
		{"- name: cache\n          emptyDir", "- name: spool\n          emptyDir"}:                                                                       "no volume cache",
		{"spec:\n  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: squid", "spec:\n  maxUnavailable: 1\n  selector: {}"}: "matches 0 templates",
		{"image: '{{ .squid }}'", "image: squid"}:                                                                                                        `has image "squid"`,
	} {
		changed := bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, text) {
			t.Fatalf("%q is not in the file", change[0])
		}
		all, err := decodeRendered("squid.yml", changed)
		if err != nil {
			t.Fatal(err)
		}
		if list := strings.Join(problems(all), "\n"); !strings.Contains(list, want) {
			t.Errorf("%q: %s, want %s", change[1], list, want)
		}
	}
}

func TestTheDefinitionsAreFresh(t *testing.T) {
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	want, err := withDefinitions(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the end of %s is stale: make generate-coil", manifest)
	}
}
