package sabakan

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"text/template"

	"sigs.k8s.io/yaml"
)

// configuration is the part of an Ignition configuration that a template can have. Its
// names are those of Ignition 2.3.
type configuration struct {
	Storage struct {
		Files []ignitionFile `json:"files,omitempty"`
	} `json:"storage"`
	Systemd struct {
		Units []ignitionUnit `json:"units,omitempty"`
	} `json:"systemd"`
	Networkd struct {
		Units []ignitionUnit `json:"units,omitempty"`
	} `json:"networkd"`
	Passwd json.RawMessage `json:"passwd,omitempty"`
}

type ignitionFile struct {
	Filesystem string `json:"filesystem"`
	Path       string `json:"path"`
	Mode       int    `json:"mode"`
	Contents   struct {
		Source string `json:"source"`
	} `json:"contents"`
}

type ignitionUnit struct {
	Name     string `json:"name"`
	Enabled  bool   `json:"enabled,omitempty"`
	Mask     bool   `json:"mask,omitempty"`
	Contents string `json:"contents,omitempty"`
}

// sourceFile is the path of a source file.
type sourceFile struct{ path string }

func (f sourceFile) at(e entry) string { return fmt.Sprintf("%s:%d", f.path, e.line) }

// read returns the contents and the permissions of a file whose name is relative to the
// directory of the source file. The contents must be a Go template.
func (f sourceFile) read(e entry, name string) (string, os.FileMode, error) {
	name = filepath.Join(filepath.Dir(f.path), name)
	data, err := os.ReadFile(name)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", f.at(e), err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", f.at(e), err)
	}
	if err := parseText(name, string(data)); err != nil {
		return "", 0, fmt.Errorf("%s: %w", f.at(e), err)
	}
	return string(data), info.Mode().Perm(), nil
}

// parseText returns an error if text is not a template that sabakan can parse. sabakan's
// functions are known by name only.
func parseText(name, text string) error {
	known := template.FuncMap{}
	for _, f := range []string{"MyURL", "Metadata", "json", "add", "sub", "mul", "div"} {
		known[f] = func(...any) string { return "" }
	}
	_, err := template.New(name).Funcs(known).Parse(text)
	return err
}

// add appends the entries of one source file.
func (l *loader) add(f sourceFile, src source) error {
	for _, e := range src.Files {
		if err := l.addFile(f, e); err != nil {
			return err
		}
	}
	for _, r := range src.RemoteFiles {
		if err := l.addRemoteFile(f, r); err != nil {
			return err
		}
	}
	for _, u := range src.Systemd {
		if err := l.addUnit(f, u); err != nil {
			return err
		}
	}
	for _, e := range src.Networkd {
		text, _, err := f.read(e, filepath.Join("networkd", e.name))
		if err := errors.Join(l.once(f, "networkd unit", e), err); err != nil {
			return err
		}
		l.out.Networkd.Units = append(l.out.Networkd.Units, ignitionUnit{Name: e.name, Contents: text})
	}
	if src.Passwd.name == "" {
		return nil
	}
	text, _, err := f.read(src.Passwd, src.Passwd.name)
	if err != nil {
		return err
	}
	if l.out.Passwd, err = yaml.YAMLToJSONStrict([]byte(text)); err != nil {
		return fmt.Errorf("%s: %s: %w", f.at(src.Passwd), src.Passwd.name, err)
	}
	return nil
}

func (l *loader) addFile(f sourceFile, e entry) error {
	if err := l.checkPath(f, e); err != nil {
		return err
	}
	text, mode, err := f.read(e, filepath.Join("files", e.name))
	if err != nil {
		return err
	}
	file := ignitionFile{Filesystem: "root", Path: e.name, Mode: int(mode)}
	file.Contents.Source = "data:," + url.PathEscape(text)
	l.out.Storage.Files = append(l.out.Storage.Files, file)
	return nil
}

func (l *loader) addRemoteFile(f sourceFile, r remoteFile) error {
	if err := l.checkPath(f, r.Name); err != nil {
		return err
	}
	if r.URL == "" {
		return fmt.Errorf("%s: remote file %s has no url", f.at(r.Name), r.Name.name)
	}
	if err := parseText(r.Name.name, r.URL); err != nil {
		return fmt.Errorf("%s: url: %w", f.at(r.Name), err)
	}
	file := ignitionFile{Filesystem: "root", Path: r.Name.name, Mode: r.Mode}
	file.Contents.Source = r.URL
	l.out.Storage.Files = append(l.out.Storage.Files, file)
	return nil
}

// checkPath checks the path of a file on the node.
func (l *loader) checkPath(f sourceFile, e entry) error {
	if !filepath.IsAbs(e.name) || filepath.Clean(e.name) != e.name {
		return fmt.Errorf("%s: file %q: the path must be absolute and have no . or .. elements", f.at(e), e.name)
	}
	return l.once(f, "file", e)
}

// addUnit appends a systemd unit. A masked unit has no contents.
func (l *loader) addUnit(f sourceFile, u unit) error {
	if err := l.once(f, "systemd unit", u.Name); err != nil {
		return err
	}
	added := ignitionUnit{Name: u.Name.name, Enabled: u.Enabled, Mask: u.Mask}
	if u.Mask && u.Enabled {
		return fmt.Errorf("%s: unit %s is masked and enabled", f.at(u.Name), u.Name.name)
	}
	if !u.Mask {
		text, _, err := f.read(u.Name, filepath.Join("systemd", u.Name.name))
		if err != nil {
			return err
		}
		added.Contents = text
	}
	l.out.Systemd.Units = append(l.out.Systemd.Units, added)
	return nil
}

// once returns an error if the entry has no name or was seen before.
func (l *loader) once(f sourceFile, kind string, e entry) error {
	if e.name == "" {
		return fmt.Errorf("%s: %s without a name", f.path, kind)
	}
	key := kind + " " + e.name
	if first, found := l.seen[key]; found {
		return fmt.Errorf("%s: %s is already in %s", f.at(e), key, first)
	}
	l.seen[key] = f.at(e)
	return nil
}
