package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco/pkg/cke/userresource"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

const etc = "../../etc/"

// files are the user resources of CKE.
var files = []string{"namespaces.yml", "cilium.yaml", "cilium-pre.yaml", "coil.yaml", "unbound.yml", "squid.yml"}

// values are values of all placeholders.
var values = map[string]string{
	"coil":                 "ghcr.io/cybozu-go/coil:2.0.14",
	"squid":                "quay.io/cybozu/squid:5.4.1.1",
	"cke-unbound":          "quay.io/cybozu/unbound:1.14.0.1",
	"cke-unbound_exporter": "quay.io/cybozu/unbound_exporter:0.4.1.2",
	"lbAddressDefault":     "10.72.32.0/20",
	"lbAddressBastion":     "10.72.48.48/28",
	"lbAddressInternet":    "172.19.0.16/28",
}

// object is an object of a file, with its typed value.
type object struct {
	key   string
	meta  metav1.Object
	value runtime.Object
}

// decoder decodes one object strictly: it refuses unknown and repeated fields, and kinds
// other than those of Kubernetes and CustomResourceDefinition.
func decoder() runtime.Decoder {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(s); err != nil {
			panic(err)
		}
	}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, s, s, json.SerializerOptions{Yaml: true, Strict: true})
}

// decode returns the objects in a stream of YAML documents. As CKE does, it refuses a
// document without an object, and an object without a name or with the key of another.
func decode(stream []byte) ([]object, error) {
	var all []object
	keys := map[string]bool{}
	d := decoder()
	for r := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream))); ; {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		decoded, gvk, err := d.Decode(doc, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(all), err)
		}
		m, err := meta.Accessor(decoded)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", len(all), err)
		}
		key := filepath.Join(gvk.Kind, m.GetNamespace(), m.GetName())
		if m.GetName() == "" || keys[key] {
			return nil, fmt.Errorf("document %d: %s has no name or exists twice", len(all), key)
		}
		keys[key] = true
		all = append(all, object{key, m, decoded})
	}
}

// decodeRendered returns the objects in text, the content of a file, with its
// placeholders replaced.
func decodeRendered(file string, text []byte) ([]object, error) {
	rendered, err := userresource.Render(file, text, values)
	if err != nil {
		return nil, err
	}
	return decode(rendered)
}

// read returns the objects of a file with its placeholders replaced.
func read(t *testing.T, file string) []object {
	t.Helper()
	text, err := os.ReadFile(etc + file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := decodeRendered(file, text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all
}

// find returns the object of a file with this key, which has type T.
func find[T runtime.Object](t *testing.T, file, key string) T {
	t.Helper()
	for _, o := range read(t, file) {
		if v, ok := o.value.(T); ok && o.key == key {
			return v
		}
	}
	t.Fatalf("%s has no %s", file, key)
	panic("unreachable")
}
