package menu

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"text/template"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Names of files that are always written, in addition to those of package cluster.
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

// Files returns the contents of all files of the data centre, by their slash-separated
// names. The same menu gives the same files.
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

// render executes one of the embedded templates.
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

// marshalJSON returns v as indented JSON.
func marshalJSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return append(data, '\n'), nil
}
