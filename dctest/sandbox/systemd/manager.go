package systemd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"
)

// Manager runs the units below one root directory. Its methods are safe for concurrent
// use.
type Manager struct {
	opts   Options
	loader *loader
	bus    *bus

	ctx     context.Context // done when the manager shuts down
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	killNow chan struct{} // closed when running processes must be killed

	mu      sync.Mutex
	units   map[string]*unit
	lastJob uint32
	closed  bool
}

// New returns a Manager with an open socket. It starts no unit, and clients get no
// response before Run is called. The caller has to call Run or Shutdown, which close the
// socket.
func New(opts Options) (*Manager, error) {
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("new manager: %w", err)
	}
	m := &Manager{opts: opts, loader: newLoader(opts.Root), killNow: make(chan struct{}), units: map[string]*unit{}}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	b, err := listenBus(m, opts.Socket)
	if err != nil {
		m.cancel()
		return nil, fmt.Errorf("new manager: %w", err)
	}
	m.bus = b
	return m, nil
}

// Run serves clients until ctx is done, and then shuts the manager down.
func (m *Manager) Run(ctx context.Context) error {
	err := m.bus.serve(ctx)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.opts.KillAfter)
	defer cancel()
	return errors.Join(err, m.Shutdown(end))
}

// Shutdown stops all processes, and blocks until they have ended and the socket is
// closed. When ctx is done, or after Options.KillAfter, it sends SIGKILL to processes
// that still run. Further calls have no effect.
func (m *Manager) Shutdown(ctx context.Context) error {
	m.mu.Lock()
	first := !m.closed
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	if first {
		stop := context.AfterFunc(ctx, func() { close(m.killNow) })
		defer stop()
	}
	err := m.bus.close()
	m.wg.Wait()
	return err
}

// Boot starts every enabled unit. It blocks until the start of each unit has succeeded
// or failed, or ctx is done. The error names the units that have not started.
func (m *Manager) Boot(ctx context.Context) error {
	var jobs []*job
	var errs []error
	for _, name := range m.loader.enabled() {
		j, err := m.begin(name, verbStart)
		if err != nil {
			errs = append(errs, fmt.Errorf("start %s: %w", name, err))
			continue
		}
		jobs = append(jobs, j)
	}
	for _, j := range jobs {
		errs = append(errs, m.await(ctx, j))
	}
	return errors.Join(errs...)
}

// Start starts the unit, whose name includes its suffix. It blocks until the start has
// succeeded or failed, or ctx is done. If the unit's conditions are not met, it does
// nothing and returns nil.
func (m *Manager) Start(ctx context.Context, unit string) error { return m.do(ctx, unit, verbStart) }

// Stop stops the unit. It blocks until the unit has stopped, or ctx is done.
func (m *Manager) Stop(ctx context.Context, unit string) error { return m.do(ctx, unit, verbStop) }

// Restart stops the unit if it is running, and then starts it. It blocks like Start.
func (m *Manager) Restart(ctx context.Context, unit string) error {
	return m.do(ctx, unit, verbRestart)
}

// MainPID returns the process ID of the unit's main process, or 0 if it has none.
func (m *Manager) MainPID(unit string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.units[unit]; u != nil {
		return u.state.mainPID
	}
	return 0
}

// ActiveState returns what "systemctl is-active" prints for the unit.
func (m *Manager) ActiveState(unit string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.units[unit]; u != nil {
		return u.state.active
	}
	return "inactive"
}

// Address returns the address of the manager's socket, for DBUS_SYSTEM_BUS_ADDRESS.
func (m *Manager) Address() string { return "unix:path=" + dbus.EscapeBusAddressValue(m.opts.Socket) }

func (m *Manager) do(ctx context.Context, unit string, v verb) error {
	j, err := m.begin(unit, v)
	if err != nil {
		return fmt.Errorf("%s %s: %w", v, unit, err)
	}
	return m.await(ctx, j)
}

func (m *Manager) await(ctx context.Context, j *job) error {
	result, err := j.wait(ctx)
	if err == nil && result != jobDone {
		err = errors.New(result)
		if text := j.unit.snapshot().statusText; text != "" {
			err = fmt.Errorf("%s: %s", result, text)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", j.verb, j.unit.name, err)
	}
	return nil
}

// begin submits a job for the unit called name, which it loads if necessary.
func (m *Manager) begin(name string, v verb) (*job, error) {
	return m.beginMode(name, v, "replace")
}

func (m *Manager) beginMode(name string, v verb, mode string) (*job, error) {
	u, err := m.lookup(name)
	if err != nil {
		return nil, err
	}
	if v != verbStop && !u.isRunning() {
		if err := startable(m.fresh(u)); err != nil {
			return nil, err
		}
	}
	return m.submit(u, v, mode)
}

// fresh returns the definition with which the unit would be started now.
func (m *Manager) fresh(u *unit) *definition {
	if d := u.definition(); d.transient {
		return d
	}
	return m.loader.load(u.name)
}

func startable(d *definition) error {
	switch d.loadState() {
	case "masked":
		return errMasked(d.name)
	case "not-found":
		return errNoSuchUnit("Unit " + d.name + " not found.")
	case "bad-setting":
		return newError(nameBadSetting, "Unit "+d.name+" has a bad unit file setting: "+d.err.Error())
	}
	return nil
}

// lookup returns the unit called name. If the unit is not loaded, it loads the unit's
// file, and fails if there is none.
func (m *Manager) lookup(name string) (*unit, error) {
	if !isUnitName(name) {
		return nil, newError(nameInvalidArgs, fmt.Sprintf("Unit name %q is not valid.", name))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if u := m.units[name]; u != nil {
		return u, nil
	}
	d := m.loader.load(name)
	if d.missing {
		return nil, errNoSuchUnit("Unit " + name + " not found.")
	}
	u := newUnit(m, name, d)
	m.units[name] = u
	return u, nil
}

// loaded returns the loaded units, sorted by name.
func (m *Manager) loaded() []*unit {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*unit
	for _, name := range slices.Sorted(maps.Keys(m.units)) {
		all = append(all, m.units[name])
	}
	return all
}

// reload reads the files of all loaded units again. Running processes continue unchanged.
func (m *Manager) reload() {
	for _, u := range m.loaded() {
		u.refresh()
	}
}

func isUnitName(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || len(name) > 255 || strings.ContainsAny(name, "/*?[] \x00") {
		return false
	}
	switch name[dot:] {
	case ".service", ".timer", ".target", ".socket", ".path", ".mount", ".slice", ".scope":
		return true
	}
	return false
}
