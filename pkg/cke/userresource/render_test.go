package userresource_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/cke/userresource"
)

func ExampleRender() {
	out, err := userresource.Render("squid.yml", []byte(`image: {{ .squid }}`), map[string]string{"squid": "quay.io/cybozu/squid:5.4.1.1"})
	fmt.Println(string(out), err)
	// Output: image: quay.io/cybozu/squid:5.4.1.1 <nil>
}

func TestAnEmptyValueSelectsLines(t *testing.T) {
	const text = "pools:\n{{- if .a }}\n- {{ .a }}\n{{- end }}\n{{- if .b }}\n- {{ .b }}\n{{- end }}\n"
	got, err := userresource.Render("f", []byte(text), map[string]string{"a": "", "b": "10.0.0.0/24"})
	if err != nil || string(got) != "pools:\n- 10.0.0.0/24\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAPlaceholderWithoutAValueIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"\n{{ .squid }}":                      `squid.yml:2:3: executing "squid.yml" at <.squid>: map has no entry for key "squid"`,
		`{{ index . "cke-unbound" }}`:         `squid.yml:1:3: executing "squid.yml" at <index . "cke-unbound">: error calling index: map has no entry for key "cke-unbound"`,
		"{{ if .lbAddressDefault }}{{ end }}": `no entry for key "lbAddressDefault"`,
		"{{ .squid":                           "squid.yml:1: unclosed action",
		"{{ squid }}":                         `function "squid" not defined`,
	} {
		got, err := userresource.Render("squid.yml", []byte(text), map[string]string{"coil": "x"})
		if err == nil || !strings.Contains(err.Error(), want) || got != nil {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
}
