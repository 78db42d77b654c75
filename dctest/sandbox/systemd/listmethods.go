package systemd

import (
	"slices"

	"github.com/godbus/dbus/v5"
)

// unitStatus describes a unit in a list, in the form that D-Bus encodes.
type unitStatus struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	JobID                                           uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

func (m *Manager) status(u *unit) unitStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := unitStatus{
		Name: u.name, Description: u.def.description, Load: u.def.loadState(),
		Active: u.state.active, Sub: u.state.sub, Path: unitPath(u.name), JobPath: "/",
	}
	if pending := u.pending(); len(pending) > 0 {
		s.JobID, s.JobType, s.JobPath = pending[0].id, string(pending[0].verb), pending[0].path()
	}
	return s
}

// list returns the units that have one of the states and whose names match one of the
// patterns. An empty list of states or patterns excludes no unit.
func (m *Manager) list(states, patterns []string) []unitStatus {
	listed := []unitStatus{}
	for _, u := range m.loaded() {
		s := m.status(u)
		inState := len(states) == 0 || slices.ContainsFunc(states, func(want string) bool {
			return want == s.Active || want == s.Load || want == s.Sub
		})
		if inState && matchesAny(patterns, s.Name) {
			listed = append(listed, s)
		}
	}
	return listed
}

func listUnits(m *Manager, _ call) ([]any, error) { return []any{m.list(nil, nil)}, nil }

func listUnitsFiltered(m *Manager, c call) ([]any, error) {
	var states []string
	err := c.args(&states)
	return []any{m.list(states, nil)}, err
}

func listUnitsByPatterns(m *Manager, c call) ([]any, error) {
	var states, patterns []string
	err := c.args(&states, &patterns)
	return []any{m.list(states, patterns)}, err
}

// listUnitsByNames returns a list with each of the named units, whether or not they
// exist.
func listUnitsByNames(m *Manager, c call) ([]any, error) {
	var names []string
	if err := c.args(&names); err != nil {
		return nil, err
	}
	listed := []unitStatus{}
	for _, name := range names {
		u, err := m.lookup(name)
		if err != nil {
			u = newUnit(m, name, m.loader.load(name))
		}
		listed = append(listed, m.status(u))
	}
	return []any{listed}, nil
}
