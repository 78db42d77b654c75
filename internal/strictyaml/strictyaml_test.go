package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/internal/strictyaml"
)

type document struct {
	Name  string            `yaml:"name"`
	Count *int              `yaml:"count"`
	Ratio float64           `yaml:"ratio"`
	On    bool              `yaml:"on"`
	Items []string          `yaml:"items"`
	Map   map[string]string `yaml:"map"`
	Sub   struct {
		Port uint16 `yaml:"port"`
	} `yaml:"sub"`
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"# nothing\n":           "",
		"name: x\ncount: 3\n":   "",
		"name: 1.10\n":          "",
		"nmae: x\n":             "line 1: unknown field nmae",
		"sub:\n  prot: 1\n":     "line 2: unknown field prot",
		"count: many\n":         "line 1: `many` is not a whole number",
		"ratio: many\n":         "line 1: `many` is not a number",
		"on: many\n":            "line 1: `many` is not true or false",
		"items: many\n":         "line 1: `many` is not a list",
		"map: many\n":           "line 1: `many` is not a mapping",
		"sub: many\n":           "line 1: `many` is not a mapping",
		"sub: {port: 70000}\n":  "line 1: `70000` is not a whole number",
		"name: [a]\n":           "line 1: a list is not a text",
		"count: {a: b}\n":       "line 1: a mapping is not a whole number",
		"- x\n":                 "line 1: a list is not a mapping",
		"on: x\n\nratio: y\n":   "line 1: `x` is not true or false; line 3: `y` is not a number",
		"name: x\nname: y\n":    "line 2: mapping key \"name\" already defined at line 1",
		"name: x\n---\nname: y": "it has more than one YAML document",
		"name: 'x\n":            "line 2: found unexpected end of stream",
		"name: x\n  count: 3\n": "line 2: mapping values are not allowed in this context",
	} {
		var v document
		got := ""
		err := strictyaml.Decode([]byte(text), &v)
		if err != nil {
			got = err.Error()
		}
		if is := errors.Is(err, strictyaml.ErrUnknownField); is != strings.Contains(want, "unknown field") {
			t.Errorf("%q: an unknown field: %v", text, is)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheTextOfAVersionStays(t *testing.T) {
	var v document
	if err := strictyaml.Decode([]byte("name: 1.10\n"), &v); err != nil || v.Name != "1.10" {
		t.Errorf("%q, %v", v.Name, err)
	}
}
