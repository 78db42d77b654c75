package machines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// jsonReader reads a list in JSON token by token, because tokens have line numbers.
type jsonReader struct {
	data []byte
	dec  *json.Decoder
	errs *Errors
	// counted is the part of data in which the line breaks are counted.
	counted, breaks int
}

// readJSON returns the machines of a JSON array. It stops at the first place that is not
// JSON or not of this structure.
func readJSON(data []byte, errs *Errors) []row {
	r := &jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), errs: errs}
	r.dec.UseNumber()
	rows, err := r.list()
	if err != nil {
		errs.add(r.line(), "", "%v; the lines after it are not checked", err)
	}
	return rows
}

// line returns the line of the last token.
func (r *jsonReader) line() int {
	end := min(int(r.dec.InputOffset()), len(r.data))
	r.breaks += bytes.Count(r.data[r.counted:end], []byte("\n"))
	r.counted = end
	return 1 + r.breaks
}

func (r *jsonReader) list() ([]row, error) {
	if err := r.delim('[', "an array of machines"); err != nil {
		return nil, err
	}
	var rows []row
	for r.dec.More() {
		m, err := r.machine()
		if err != nil {
			return rows, err
		}
		rows = append(rows, m)
	}
	if err := r.delim(']', "the end of the array"); err != nil {
		return rows, err
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return rows, errors.New("there is text after the array")
	}
	return rows, nil
}

// machine reads an object.
func (r *jsonReader) machine() (row, error) {
	if err := r.delim('{', "an object"); err != nil {
		return row{}, err
	}
	m := emptyRow(r.line())
	seen := map[string]int{}
	for r.dec.More() {
		if err := r.field(&m, seen); err != nil {
			return m, err
		}
	}
	for _, name := range names {
		if seen[name] == 0 {
			r.errs.add(m[0].line, name, "the field is missing")
		}
	}
	return m, r.delim('}', "the end of the object")
}

// field reads a field of a machine. seen are the fields before it with their lines.
func (r *jsonReader) field(m *row, seen map[string]int) error {
	key, err := r.token()
	if err != nil {
		return err
	}
	name, _ := key.(string)
	line := r.line()
	value, err := r.token()
	if err != nil {
		return err
	}
	column := slices.Index(names[:], name)
	text, ok := scalar(value, column)
	switch {
	case column < 0:
		r.errs.add(line, "", "unknown field %q; the fields are %s", name, strings.Join(names[:], ", "))
	case seen[name] != 0:
		r.errs.add(line, name, "the field is also in line %d", seen[name])
	case !ok:
		r.errs.add(line, name, "%s instead of a string", kind(value))
	default:
		m[column] = cell{line: line, text: strings.TrimSpace(text)}
	}
	if seen[name] == 0 {
		seen[name] = line
	}
	if _, nested := value.(json.Delim); nested {
		return fmt.Errorf("the value of field %q is not a string", name)
	}
	return nil
}

// scalar returns the text of a value, and whether the column may have it: a string, or a
// number of a rack.
func scalar(value json.Token, column int) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), column == logicalRack || column == physicalRack
	}
	return "", false
}

// delim reads the delimiter want, which is or ends what.
func (r *jsonReader) delim(want json.Delim, what string) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%s instead of %s", kind(t), what)
	}
	return nil
}

// token reads a token. The end of the file is an error.
func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("the file ends within the list")
	}
	return t, err
}

// kind returns the kind of a token for people.
func kind(t json.Token) string {
	switch v := t.(type) {
	case json.Delim:
		return map[json.Delim]string{'{': "an object", '[': "an array", '}': "the end of an object", ']': "the end of an array"}[v]
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a truth value"
	}
	return "null"
}
