package systemd

import (
	"os"
	"strconv"
	"syscall"
)

// jobMethod returns a D-Bus method that submits a job and returns the job's path. A
// signal is sent when the job has ended.
func jobMethod(v verb) method {
	return func(m *Manager, c call) ([]any, error) {
		var name, mode string
		if err := c.args(&name, &mode); err != nil {
			return nil, err
		}
		j, err := m.beginMode(name, v, mode)
		if err != nil {
			return nil, err
		}
		return []any{j.path()}, nil
	}
}

func killUnit(m *Manager, c call) ([]any, error) {
	var name, who string
	var signal int32
	if err := c.args(&name, &who, &signal); err != nil {
		return nil, err
	}
	u, err := m.known(name)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	p := u.proc
	m.mu.Unlock()
	p.kill(syscall.Signal(signal), who == "" || who == "all")
	return nil, nil
}

func resetFailedUnit(m *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	u, err := m.known(name)
	if err == nil {
		u.resetFailed()
	}
	return nil, err
}

func resetFailed(m *Manager, _ call) ([]any, error) {
	for _, u := range m.loaded() {
		u.resetFailed()
	}
	return nil, nil
}

// known returns the unit called name, or an error if it is not loaded.
func (m *Manager) known(name string) (*unit, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.units[name]; u != nil {
		return u, nil
	}
	return nil, errNoSuchUnit("Unit " + name + " not loaded.")
}

func getUnit(m *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	if _, err := m.known(name); err != nil {
		return nil, err
	}
	return []any{unitPath(name)}, nil
}

// loadUnit returns the D-Bus path of a unit. As in systemd, the unit need not have a
// file.
func loadUnit(m *Manager, c call) ([]any, error) {
	var name string
	if err := c.args(&name); err != nil {
		return nil, err
	}
	if !isUnitName(name) {
		return nil, newError(nameInvalidArgs, "Unit name "+strconv.Quote(name)+" is not valid.")
	}
	m.lookup(name)
	return []any{unitPath(name)}, nil
}

// getUnitByPID returns the D-Bus path of the unit whose main process leads the process
// group of the given process.
func getUnitByPID(m *Manager, c call) ([]any, error) {
	var pid uint32
	if err := c.args(&pid); err != nil {
		return nil, err
	}
	group, err := syscall.Getpgid(int(pid))
	if err != nil {
		return nil, os.NewSyscallError("getpgid", err)
	}
	for _, u := range m.loaded() {
		if u.snapshot().mainPID == group {
			return []any{unitPath(u.name)}, nil
		}
	}
	return nil, newError("org.freedesktop.systemd1.NoUnitForPID", "PID "+strconv.Itoa(int(pid))+" does not belong to any loaded unit.")
}
