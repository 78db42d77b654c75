package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// maxValue is the maximum size in bytes of a value; a larger one is malformed. The values
// that Neco writes are much smaller.
const maxValue = 64 << 10

// decode decodes data, which must be exactly one JSON object, into v. It ignores unknown
// fields.
func decode(data []byte, v any) error {
	if len(data) > maxValue {
		return fmt.Errorf("%d bytes, more than %d", len(data), maxValue)
	}
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return errors.New("not a JSON object")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	return nil
}

// checkRoundTrip returns an error if decode accepts data, but does not accept the
// encoding of its own result.
func checkRoundTrip[T any](data []byte, decode codec[T]) error {
	v, err := decode(data, 1)
	if err != nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err == nil && len(text) <= maxValue {
		_, err = decode(text, 1)
	}
	return err
}

// unknownFields returns the members of the JSON object data that have no field in the
// struct v, or nil.
func unknownFields(data []byte, v any) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil
	}
	for _, name := range fieldNames(reflect.TypeOf(v)) {
		delete(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// encode returns v as a JSON object, to which it adds the members in unknown.
func encode(v any, unknown map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil || len(unknown) == 0 {
		return data, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for k, raw := range unknown {
		if _, known := all[k]; !known {
			all[k] = raw
		}
	}
	return json.Marshal(all)
}

// fieldNames returns the JSON names of the fields of the struct type t and of its
// embedded structs.
func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			names = append(names, fieldNames(f.Type)...)
		case name != "" && name != "-":
			names = append(names, name)
		}
	}
	return names
}
