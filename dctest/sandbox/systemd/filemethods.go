package systemd

import (
	"path"
)

func getUnitFileState(m *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	state, err := m.loader.fileState(name)
	return []any{state}, err
}

func enableUnitFiles(m *Manager, c call) ([]any, error) {
	var names []string
	var runtime, force bool
	if err := c.args(&names, &runtime, &force); err != nil {
		return nil, err
	}
	carries, changes, err := m.loader.enable(baseNames(names))
	return []any{carries, noNil(changes)}, err
}

func disableUnitFiles(m *Manager, c call) ([]any, error) {
	var names []string
	var runtime bool
	if err := c.args(&names, &runtime); err != nil {
		return nil, err
	}
	var changes []change
	for _, name := range baseNames(names) {
		more, err := m.loader.disable(name)
		if err != nil {
			return nil, err
		}
		changes = append(changes, more...)
	}
	return []any{noNil(changes)}, nil
}

// baseNames returns the names of the units whose files have the given paths.
func baseNames(names []string) []string {
	var bases []string
	for _, name := range names {
		bases = append(bases, path.Base(name))
	}
	return bases
}

func noNil(changes []change) []change { return append([]change{}, changes...) }
