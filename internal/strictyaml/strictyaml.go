// Package strictyaml decodes the YAML files that operators and developers write. It owns the
// text of the errors. It must not know the files.
package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrUnknownField is in the chain of an error about a field that the value does not have.
var ErrUnknownField = errors.New("unknown field")

// Decode decodes data, one YAML document, into v. A file without a document leaves v as it is.
// The error names each wrong line, in the words of YAML: a field that v does not have, a value of
// another kind, a key that is there twice, or a second document.
func Decode(data []byte, v any) error {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	switch err := d.Decode(v); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return explain(err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return errors.New("it has more than one YAML document")
	}
	return nil
}

// explain returns err, an error of package yaml, without the types of Go.
func explain(err error) error {
	wrong := (*yaml.TypeError)(nil)
	if !errors.As(err, &wrong) {
		if text, ok := strings.CutPrefix(err.Error(), "yaml: "); ok {
			return errors.New(text)
		}
		return err
	}
	var e lines
	for _, text := range wrong.Errors {
		e.texts = append(e.texts, inWords(text))
		e.unknownField = e.unknownField || unknownField.MatchString(text)
	}
	return e
}

// lines is the error about lines of a document.
type lines struct {
	texts        []string
	unknownField bool
}

// Error implements error.
func (e lines) Error() string { return strings.Join(e.texts, "; ") }

// Is implements the interface of errors.Is.
func (e lines) Is(target error) bool { return target == ErrUnknownField && e.unknownField }

var (
	unknownField = regexp.MustCompile(`^(line \d+): field (.*) not found in type .*$`)
	twice        = regexp.MustCompile(`^(line \d+): field (.*) already set in type .*$`)
	otherKind    = regexp.MustCompile("^(line \\d+): cannot unmarshal !!(\\w+)(?: (`.*`))? into (.*)$")
)

// inWords returns text, an error of package yaml about one line, without the types of Go.
func inWords(text string) string {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		return m[1] + ": unknown field " + m[2]
	}
	if m := twice.FindStringSubmatch(text); m != nil {
		return m[1] + ": field " + m[2] + " is there twice"
	}
	m := otherKind.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	found := m[3]
	switch m[2] {
	case "seq":
		found = "a list"
	case "map":
		found = "a mapping"
	}
	return m[1] + ": " + found + " is not " + kind(m[4])
}

// kind returns what YAML calls a value of a Go type.
func kind(goType string) string {
	switch goType = strings.TrimPrefix(goType, "*"); {
	case goType == "string":
		return "a text"
	case goType == "bool":
		return "true or false"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	}
	return "a mapping"
}
