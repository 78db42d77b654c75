package systemd

import (
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// property is a setting of a transient unit, as it is sent by D-Bus.
type property struct {
	Name  string
	Value dbus.Variant
}

// auxiliary is a unit that a client wants to create together with a transient unit. This
// package refuses such requests.
type auxiliary struct {
	Name       string
	Properties []property
}

// startTransientUnit creates and starts a unit without a file. Such a unit is unloaded
// when it has ended. If it has failed, it is unloaded by ResetFailed, or at once if its
// CollectMode says so.
func startTransientUnit(m *Manager, c call) ([]any, error) {
	var name, mode string
	var props []property
	var aux []auxiliary
	if err := c.args(&name, &mode, &props, &aux); err != nil {
		return nil, err
	}
	if len(aux) > 0 {
		return nil, newError(nameInvalidArgs, "Auxiliary units are not supported.")
	}
	if !isUnitName(name) || !strings.HasSuffix(name, ".service") {
		return nil, newError(nameInvalidArgs, "Unit name "+name+" cannot be transient.")
	}
	d := newDefinition(name)
	d.transient = true
	for _, p := range props {
		if err := setProperty(d, m.loader.settings, p); err != nil {
			return nil, err
		}
	}
	d.finish()
	if d.err != nil {
		return nil, newError(nameBadSetting, d.err.Error())
	}
	u, err := m.addTransient(d)
	if err != nil {
		return nil, err
	}
	j, err := m.submit(u, verbStart, mode)
	if err != nil {
		return nil, err
	}
	return []any{j.path()}, nil
}

// addTransient adds a transient unit. It fails if a unit with the same name exists.
func (m *Manager) addTransient(d *definition) (*unit, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.units[d.name]
	if old != nil && old.unused() {
		old.gone = true
		if old.alive {
			old.start() // let its goroutine end
		}
		old = nil
	}
	if old != nil || m.loader.find(d.name) != "" {
		return nil, newError(nameUnitExists, "Unit "+d.name+" was already loaded or has a fragment file.")
	}
	u := newUnit(m, d.name, d)
	m.units[d.name] = u
	return u, nil
}

// setProperty stores a property in the definition. Strings have the syntax of unit files.
// Properties about isolation are accepted and have no effect.
func setProperty(d *definition, settings map[string]setting, p property) error {
	switch value := p.Value.Value().(type) {
	case string:
		switch p.Name {
		case "CollectMode":
			d.collect = value == "inactive-or-failed"
			return nil
		case "Description":
			d.description = value
			return nil
		}
		if apply, ok := settings["Service."+p.Name]; ok && !strings.HasPrefix(p.Name, "Exec") {
			return wrapSetting(p.Name, apply(d, value))
		}
	case bool:
		if p.Name == "RemainAfterExit" {
			d.remainAfter = value
			return nil
		}
	case []string:
		if p.Name == "Environment" {
			d.environment = append(d.environment, value...)
			return nil
		}
	case [][]any:
		if strings.HasPrefix(p.Name, "Exec") {
			return setExec(d, p)
		}
	}
	if isolation(p.Name) {
		return nil
	}
	return newError(nameReadOnly, "Cannot set property "+p.Name+", or unknown property.")
}

func wrapSetting(name string, err error) error {
	if err == nil {
		return nil
	}
	return newError(nameInvalidArgs, fmt.Sprintf("Property %s: %v", name, err))
}

func isolation(name string) bool {
	switch name {
	case "Slice", "Delegate", "DefaultDependencies", "User", "Group", "StandardOutput", "StandardError",
		"StandardInput", "CPUAccounting", "MemoryAccounting", "TasksAccounting", "OOMScoreAdjust", "AddRef":
		return true
	}
	return false
}

// setExec sets the commands of a definition. Each command consists of its path, its
// arguments, and whether its failure is ignored.
func setExec(d *definition, p property) error {
	var lines []struct {
		Path          string
		Args          []string
		IgnoreFailure bool
	}
	if err := p.Value.Store(&lines); err != nil {
		return newError(nameInvalidArgs, "Wrong type of property "+p.Name+".")
	}
	field := map[string]*[]command{
		"ExecStartPre": &d.startPre, "ExecStart": &d.start, "ExecStartPost": &d.startPost,
		"ExecStop": &d.stop, "ExecStopPost": &d.stopPost,
	}[p.Name]
	if field == nil {
		return newError(nameReadOnly, "Cannot set property "+p.Name+", or unknown property.")
	}
	for _, line := range lines {
		argv := []string{line.Path}
		if len(line.Args) > 1 {
			argv = append(argv, line.Args[1:]...)
		}
		*field = append(*field, command{argv: argv, ignoreFailure: line.IgnoreFailure})
	}
	return nil
}
