package sabakan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco/internal/strictyaml"
)

// source is a file of sabakan's source format for ignition templates.
type source struct {
	Version     string       `yaml:"version"`
	Include     entry        `yaml:"include"`
	Passwd      entry        `yaml:"passwd"`
	Files       []entry      `yaml:"files"`
	RemoteFiles []remoteFile `yaml:"remote_files"`
	Systemd     []unit       `yaml:"systemd"`
	Networkd    []entry      `yaml:"networkd"`
}

// entry is a name in a source file and the line on which it is.
type entry struct {
	name string
	line int
}

// UnmarshalYAML reads the name and its line.
func (e *entry) UnmarshalYAML(n *yaml.Node) error {
	e.line = n.Line
	return n.Decode(&e.name)
}

type remoteFile struct {
	Name entry  `yaml:"name"`
	URL  string `yaml:"url"`
	Mode int    `yaml:"mode"`
}

type unit struct {
	Name    entry `yaml:"name"`
	Enabled bool  `yaml:"enabled"`
	Mask    bool  `yaml:"mask"`
}

// LoadIgnition reads an ignition template in sabakan's source format, such as
// ignitions/roles/cs/site.yml, with all files that it includes. The template has no Meta.
//
// The contents of a file, of a systemd unit and of a networkd unit are read from the
// directories files, systemd and networkd next to the source file that names them; a file
// keeps its permissions. An error names the source file and the line. LoadIgnition fails if
// a text is not a Go template or if two entries have the same name.
func LoadIgnition(path string) (Template, error) {
	l := loader{seen: map[string]string{}}
	if err := l.load(filepath.Clean(path)); err != nil {
		return Template{}, fmt.Errorf("load ignition template: %w", err)
	}
	data, err := json.Marshal(l.out)
	return Template{Version: l.version, Template: data}, err
}

// loader collects the entries of a source file and of those that it includes.
type loader struct {
	out     configuration
	version string
	chain   []string
	// seen has the place of each entry by its kind and name.
	seen map[string]string
}

// load appends the entries of the file at path behind those of the file that it includes.
func (l *loader) load(path string) error {
	if slices.Contains(l.chain, path) {
		return fmt.Errorf("%s includes itself", path)
	}
	l.chain = append(l.chain, path)
	src, err := readSource(path)
	if err != nil {
		return err
	}
	if l.version == "" {
		l.version = src.Version
	}
	if src.Version != l.version {
		return fmt.Errorf("%s: version %s, but %s has version %s", path, src.Version, l.chain[0], l.version)
	}
	if src.Include.name != "" {
		if err := l.load(filepath.Join(filepath.Dir(path), src.Include.name)); err != nil {
			return fmt.Errorf("%s:%d: include: %w", path, src.Include.line, err)
		}
	}
	return l.add(sourceFile{path}, src)
}

// readSource reads one source file. Version 2.2 is the default.
func readSource(path string) (source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return source{}, err
	}
	src := source{}
	if err := strictyaml.Decode(data, &src); err != nil {
		return src, fmt.Errorf("%s: %w", path, err)
	}
	if src.Version == "" {
		src.Version = "2.2"
	}
	if src.Version != "2.2" && src.Version != "2.3" {
		return src, fmt.Errorf("%s: version %q is neither 2.2 nor 2.3", path, src.Version)
	}
	return src, nil
}
