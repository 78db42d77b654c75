// Package render renders an uploaded ignition template for a machine as sabakan does. The
// template is part of the upload: an Ignition configuration of version 2.2 or 2.3 in
// which certain texts are Go templates.
//
// It must not know how templates and machines are stored. Other modules may import it.
package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

// Upload is the body of the request PUT ignitions/ROLE/ID.
type Upload struct {
	Version  string          `json:"version"`
	Template json.RawMessage `json:"template"`
	Meta     map[string]any  `json:"meta"`
}

// Parse parses the body of an upload. It fails if the version is unknown, or if the
// template is not a JSON object.
func Parse(body []byte) (Upload, error) {
	var u Upload
	if err := json.Unmarshal(body, &u); err != nil {
		return u, err
	}
	if u.Version != "2.2" && u.Version != "2.3" {
		return u, fmt.Errorf("version %q is neither 2.2 nor 2.3", u.Version)
	}
	if _, err := u.object(); err != nil {
		return u, fmt.Errorf("template: %w", err)
	}
	return u, nil
}

func (u Upload) object() (map[string]any, error) {
	if len(u.Template) == 0 {
		return nil, errors.New("missing")
	}
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(u.Template))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil {
		return nil, errors.New("null is not an object")
	}
	return object, nil
}

// texts returns the paths of those texts in an Ignition configuration that are templates.
// A path applies to every element of an array.
func texts() []string {
	return []string{
		"storage.files.contents.source",
		"networkd.units.contents",
		"systemd.units.contents",
		"passwd.users.name",
		"passwd.users.passwordHash",
		"passwd.users.sshAuthorizedKeys",
		"passwd.users.gecos",
		"passwd.users.homeDir",
		"passwd.users.primaryGroup",
		"passwd.users.groups",
		"passwd.users.shell",
		"passwd.groups.name",
		"passwd.groups.passwordHash",
	}
}

// Render returns the Ignition configuration for the machine m, in JSON. myURL is the URL
// of the server that sends it.
func (u Upload) Render(myURL string, m inventory.Machine) ([]byte, error) {
	object, err := u.object()
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	known := functions(myURL, u.Meta)
	text := func(s string) (string, error) {
		parsed, err := template.New("").Funcs(known).Parse(s)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		err = parsed.Execute(&b, m)
		return b.String(), err
	}
	for _, path := range texts() {
		render := text
		if path == "storage.files.contents.source" {
			render = func(s string) (string, error) { return source(s, text) }
		}
		if _, err := visit(object, strings.Split(path, "."), render); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	ignition, isObject := object["ignition"].(map[string]any)
	if !isObject {
		ignition = map[string]any{}
		object["ignition"] = ignition
	}
	ignition["version"] = u.Version + ".0"
	return json.Marshal(object)
}

// visit replaces each string s at path below v by f(s) and returns v. A path applies to
// every element of a list; a path that does not exist is no error.
func visit(v any, path []string, f func(string) (string, error)) (any, error) {
	var err error
	switch v := v.(type) {
	case []any:
		for i := range v {
			if v[i], err = visit(v[i], path, f); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if len(path) == 0 {
			return v, nil
		}
		if below, found := v[path[0]]; found {
			v[path[0]], err = visit(below, path[1:], f)
		}
	case string:
		if len(path) == 0 {
			return f(v)
		}
	}
	return v, err
}
