package systemd

import (
	"path"
	"slices"
)

func getUnitFileState(m *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	state, err := m.loader.fileState(name)
	return []any{state}, err
}

// unitFile describes a unit file in a list, in the form that D-Bus encodes.
type unitFile struct{ Path, State string }

// listUnitFilesByPatterns returns a list of the unit files, loaded or not, that have one of
// the states and whose names match one of the patterns. An empty list of states or patterns
// excludes no file.
func listUnitFilesByPatterns(m *Manager, c call) ([]any, error) {
	var states, patterns []string
	if err := c.args(&states, &patterns); err != nil {
		return nil, err
	}
	listed := []unitFile{}
	for _, name := range m.loader.files() {
		state, err := m.loader.fileState(name)
		if err != nil {
			continue // it was removed meanwhile
		}
		if (len(states) == 0 || slices.Contains(states, state)) && matchesAny(patterns, name) {
			listed = append(listed, unitFile{m.loader.find(name), state})
		}
	}
	return []any{listed}, nil
}

// matchesAny reports whether name matches one of the patterns, or there are none.
func matchesAny(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
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
