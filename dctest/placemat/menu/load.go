package menu

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Load reads and checks the menu in the file name, and the files to which the menu refers
// by paths relative to its directory. It returns the first error. An error in the menu
// starts with its position, such as "menu.yml:12: …".
func Load(name string) (*Menu, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m, err := parse(data)
	if err != nil {
		return nil, placed(name, err)
	}
	dir := filepath.Dir(name)
	if m.IPAM, err = loadIPAM(relative(dir, m.Network.IPAMConfig)); err != nil {
		return nil, fmt.Errorf("%s: ipam-config: %w", name, err)
	}
	for _, kind := range []cluster.Kind{cluster.Boot, cluster.CS, cluster.SS} {
		spec, ok := m.Servers[kind]
		if !ok || spec.SeedTemplate == "" {
			continue
		}
		text, err := os.ReadFile(relative(dir, spec.SeedTemplate))
		if err != nil {
			return nil, fmt.Errorf("%s: cloud-init-template: %w", name, err)
		}
		spec.SeedText = string(text)
		m.Servers[kind] = spec
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// relative returns the path of a file that has the path name in a menu in the directory
// dir.
func relative(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}
