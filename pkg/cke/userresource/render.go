package userresource

import (
	"bytes"
	"fmt"
	"text/template"
)

// Render returns text, the content of a file called name, with its placeholders replaced
// by values. Placeholders are actions of text/template on the map values: {{ .squid }},
// or {{ index . "cke-unbound" }} for a name with a hyphen. An empty value is a value;
// {{ if .name }} selects lines by it. If text has a placeholder without a value, or is no
// valid template, Render returns an error with the file, the line and the placeholder.
func Render(name string, text []byte, values map[string]string) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").Funcs(template.FuncMap{"index": index}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// index replaces the function of text/template with the same name, which returns an empty
// text for a missing key.
func index(values map[string]string, key string) (string, error) {
	v, ok := values[key]
	if !ok {
		return "", fmt.Errorf("map has no entry for key %q", key)
	}
	return v, nil
}
