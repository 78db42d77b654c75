package component

import (
	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// Services returns the units of the program called name, in the order of package
// program. If operators add the program to a data centre on request, the condition of
// each unit is that the program's configuration file exists.
func Services(name string) []Unit {
	p, err := program.Find(name)
	if err != nil {
		return nil // TestEveryComponentHasARow in package steps prevents this
	}
	var units []Unit
	for _, unit := range p.Units {
		u := Unit{Name: unit}
		if p.Prepared != nil {
			u.Condition = p.Prepared.Config
		}
		units = append(units, u)
	}
	return units
}

// YAML returns a world-readable configuration file at path with conf as YAML, which must
// not contain secrets.
func YAML(path string, conf any) ([]host.File, error) {
	data, err := yaml.Marshal(conf)
	return []host.File{{Path: path, Data: data, Mode: 0o644}}, err
}
