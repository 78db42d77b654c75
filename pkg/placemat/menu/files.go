package menu

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/template"

	"github.com/cybozu-go/neco/pkg/placemat/cluster"
)

// Names of files that are always written, beside those of package cluster.
const (
	machinesFile        = "machines.yml"
	sabakanMachinesFile = "sabakan/machines.json"
	sabakanIPAMFile     = "sabakan/ipam.json"
	squidFile           = "squid.conf"
	chronyFile          = "chrony.conf"
	chronyIgnitionFile  = "chrony-ign.yml"
	iptablesFile        = "setup-iptables"
)

func gatewayFile(node string) string { return "setup-default-gateway-" + node }

//go:embed templates
var templates embed.FS

// Files returns the contents of all files of the data centre by their names,
// which use slashes. The same menu always gives the same bytes.
func (m *Menu) Files() (map[string][]byte, error) {
	c, err := m.Cluster()
	if err != nil {
		return nil, err
	}
	files, err := c.Files()
	if err != nil {
		return nil, err
	}
	for _, add := range []func(map[string][]byte, *cluster.Cluster) error{
		m.birdFiles, m.coreFiles, m.machineFiles, m.seedFiles,
	} {
		if err := add(files, c); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Write writes the files into dir and makes it if need be. Files of other
// names stay. Scripts are made executable. The last one is cluster.yml: a
// directory that has never had it is not complete.
func Write(dir string, files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	if i, ok := slices.BinarySearch(names, cluster.ServersFile); ok {
		names = append(slices.Delete(names, i, i+1), cluster.ServersFile)
	}
	for _, name := range names {
		mode := os.FileMode(0o644)
		if bytes.HasPrefix(files[name], []byte("#!")) {
			mode = 0o755
		}
		name, data := filepath.Join(dir, filepath.FromSlash(name)), files[name]
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, mode); err != nil {
			return err
		}
		if err := os.Chmod(name, mode); err != nil { // it may have been there
			return err
		}
	}
	return nil
}

// render fills in one of the embedded templates.
func render(name string, data any) ([]byte, error) {
	t, err := template.New(name).ParseFS(templates, "templates/*")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// marshalJSON is for files that people read too.
func marshalJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return append(data, '\n'), nil
}
