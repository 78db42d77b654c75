package systemd

import (
	"maps"
	"time"

	"github.com/godbus/dbus/v5"
)

// jobRef identifies the job of a unit on D-Bus. The ID is 0 if the unit has no job.
type jobRef struct {
	ID   uint32
	Path dbus.ObjectPath
}

// properties returns the properties of the D-Bus object at path, by interface.
func (m *Manager) properties(path dbus.ObjectPath) (map[string]map[string]any, error) {
	if path == managerPath {
		return map[string]map[string]any{managerName: m.ownProperties()}, nil
	}
	name, ok := unitOfPath(path)
	if !ok || !isUnitName(name) {
		return nil, newError("org.freedesktop.DBus.Error.UnknownObject", "Unknown object '"+string(path)+"'.")
	}
	u, err := m.lookup(name)
	if err != nil { // LoadState is "not-found" for a unit without a file
		u = newUnit(m, name, m.loader.load(name))
	}
	return u.properties(), nil
}

func (m *Manager) ownProperties() map[string]any {
	failed := uint32(len(m.list([]string{"failed"}, nil)))
	system := "running"
	if failed > 0 {
		system = "degraded"
	}
	return map[string]any{
		"Version": "252 (neco sandbox)", "SystemState": system, "NFailedUnits": failed,
		"NNames": uint32(len(m.loaded())), "Environment": []string{}, "Virtualization": "",
	}
}

func (u *unit) properties() map[string]map[string]any {
	fileState, err := u.m.loader.fileState(u.name)
	if err != nil {
		fileState = ""
	}
	fresh := u.m.loader.find(u.name)
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	d, s := u.def, u.state
	if d.transient {
		fileState = "transient"
	}
	job := jobRef{Path: "/"}
	if pending := u.pending(); len(pending) > 0 {
		job = jobRef{pending[0].id, pending[0].path()}
	}
	general := map[string]any{
		"Id": u.name, "Names": []string{u.name}, "Description": d.description, "Following": "",
		"LoadState": d.loadState(), "ActiveState": s.active, "SubState": s.sub,
		"FragmentPath": d.fragment, "UnitFileState": fileState, "UnitFilePreset": "enabled",
		"Transient": d.transient, "ConditionResult": s.conditionMet, "Job": job,
		"NeedDaemonReload": !d.transient && fresh != d.fragment,
		"CanStart":         true, "CanStop": true, "CanReload": len(d.reload) > 0,
		"StateChangeTimestamp": micros(s.since), "Wants": append([]string{}, d.wants...),
	}
	all := map[string]map[string]any{unitName: general}
	if d.isService() {
		all[serviceName] = map[string]any{
			"Type": string(d.kind), "Restart": string(d.restart), "RemainAfterExit": d.remainAfter,
			"MainPID": uint32(s.mainPID), "ExecMainPID": uint32(s.execPID), "Result": string(s.result),
			"ExecMainStatus": int32(s.exit.status), "ExecMainCode": exitCode(s), "NRestarts": s.restarts,
			"StatusText": s.statusText, "Environment": append([]string{}, d.environment...),
		}
	} else {
		all[timerName] = map[string]any{"Result": string(s.result)}
	}
	return all
}

// exitCode returns the property ExecMainCode: 1 (CLD_EXITED) if the last main process has
// exited, 2 (CLD_KILLED) if it was killed by a signal, or 0 if it is running or there was
// none.
func exitCode(s state) int32 {
	const exited, killed = 1, 2
	switch {
	case s.execPID == 0 || s.mainPID != 0:
		return 0
	case s.exit.signal:
		return killed
	}
	return exited
}

func micros(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixMicro())
}

func getProperty(m *Manager, c call) ([]any, error) {
	var iface, name string
	if err := c.args(&iface, &name); err != nil {
		return nil, err
	}
	all, err := m.properties(c.path)
	if err != nil {
		return nil, err
	}
	for of, props := range all {
		if value, ok := props[name]; ok && (iface == "" || iface == of) {
			return []any{dbus.MakeVariant(value)}, nil
		}
	}
	return nil, newError(nameNoProperty, "Unknown interface "+iface+" or property "+name+".")
}

func getAllProperties(m *Manager, c call) ([]any, error) {
	var iface string
	if err := c.args(&iface); err != nil {
		return nil, err
	}
	all, err := m.properties(c.path)
	if err != nil {
		return nil, err
	}
	found := map[string]any{}
	for of, props := range all {
		if iface == "" || iface == of {
			maps.Copy(found, props)
		}
	}
	variants := map[string]dbus.Variant{}
	for name, value := range found {
		variants[name] = dbus.MakeVariant(value)
	}
	return []any{variants}, nil
}
