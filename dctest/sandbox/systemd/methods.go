package systemd

// method performs a method call of a client.
type method func(m *Manager, c call) ([]any, error)

// methods returns the supported methods, by interface and name.
func methods() map[string]method {
	return map[string]method{
		busName + ".Hello":        hello,
		busName + ".AddMatch":     addMatch,
		busName + ".RemoveMatch":  removeMatch,
		busName + ".GetNameOwner": getNameOwner,
		busName + ".NameHasOwner": nameHasOwner,
		peerName + ".Ping":        nothing,

		managerName + ".Subscribe":               nothing,
		managerName + ".Unsubscribe":             nothing,
		managerName + ".Reload":                  func(m *Manager, _ call) ([]any, error) { m.reload(); return nil, nil },
		managerName + ".StartUnit":               jobMethod(verbStart),
		managerName + ".StopUnit":                jobMethod(verbStop),
		managerName + ".RestartUnit":             jobMethod(verbRestart),
		managerName + ".TryRestartUnit":          jobMethod(verbTryRestart),
		managerName + ".ReloadOrRestartUnit":     jobMethod(verbReload),
		managerName + ".StartTransientUnit":      startTransientUnit,
		managerName + ".KillUnit":                killUnit,
		managerName + ".ResetFailedUnit":         resetFailedUnit,
		managerName + ".ResetFailed":             resetFailed,
		managerName + ".GetUnit":                 getUnit,
		managerName + ".LoadUnit":                loadUnit,
		managerName + ".GetUnitByPID":            getUnitByPID,
		managerName + ".ListUnits":               listUnits,
		managerName + ".ListUnitsFiltered":       listUnitsFiltered,
		managerName + ".ListUnitsByPatterns":     listUnitsByPatterns,
		managerName + ".ListUnitsByNames":        listUnitsByNames,
		managerName + ".GetUnitFileState":        getUnitFileState,
		managerName + ".ListUnitFilesByPatterns": listUnitFilesByPatterns,
		managerName + ".EnableUnitFiles":         enableUnitFiles,
		managerName + ".DisableUnitFiles":        disableUnitFiles,
		propsName + ".Get":                       getProperty,
		propsName + ".GetAll":                    getAllProperties,
	}
}

// dispatch performs a method call, which must name its interface.
func (b *bus) dispatch(c call) ([]any, error) {
	if f, ok := b.methods[c.iface+"."+c.member]; ok {
		return f(b.m, c)
	}
	return nil, newError(nameNoMethod, "Unknown method "+c.member+" or interface "+c.iface+".")
}

func nothing(*Manager, call) ([]any, error) { return nil, nil }

func hello(_ *Manager, c call) ([]any, error) {
	c.conn.name = c.conn.unique
	return []any{c.conn.unique}, nil
}

func addMatch(_ *Manager, c call) ([]any, error) {
	var text string
	err := c.args(&text)
	if err == nil {
		c.conn.addRule(text)
	}
	return nil, err
}

func removeMatch(_ *Manager, c call) ([]any, error) {
	var text string
	err := c.args(&text)
	if err == nil {
		c.conn.removeRule(text)
	}
	return nil, err
}

func getNameOwner(_ *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	if name != managerDest && name != busName {
		return nil, newError("org.freedesktop.DBus.Error.NameHasNoOwner", "No owner of "+name+".")
	}
	return []any{name}, nil
}

func nameHasOwner(_ *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	return []any{name == managerDest || name == busName}, nil
}
