package host

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// manager is a fake systemd with a D-Bus of its own. It implements the calls that
// go-systemd makes, as far as these tests need them.
type manager struct {
	mu     sync.Mutex
	serial uint32
	conns  map[net.Conn]bool
	opened int // connections so far
	wg     sync.WaitGroup

	calls   []string          // the calls, in order
	active  map[string]string // unit → ActiveState
	results map[string]string // unit → result of its jobs, "done" if absent
}

// newManager returns a manager with these units, all inactive, and makes the test use it
// as systemd.
func newManager(t *testing.T, units ...string) *manager {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+url.PathEscape(socket))
	m := &manager{conns: map[net.Conn]bool{}, active: map[string]string{}, results: map[string]string{}}
	for _, u := range units {
		m.active[u] = "inactive"
	}
	m.wg.Go(func() { m.accept(l) })
	t.Cleanup(func() {
		l.Close()
		m.disconnect()
		m.wg.Wait()
	})
	return m
}

func (m *manager) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		m.conns[c] = true
		m.opened++
		m.mu.Unlock()
		m.wg.Go(func() { m.serve(c) })
	}
}

func (m *manager) disconnect() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.conns {
		c.Close()
	}
}

func (m *manager) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	if authenticate(r, c) != nil {
		return
	}
	for {
		msg, err := dbus.DecodeMessage(r)
		if err != nil {
			m.mu.Lock()
			delete(m.conns, c)
			m.mu.Unlock()
			return
		}
		m.mu.Lock()
		m.handle(c, msg)
		m.mu.Unlock()
	}
}

// authenticate accepts every client.
func authenticate(r *bufio.Reader, w io.Writer) error {
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		switch line = strings.Trim(line, "\x00\r\n"); {
		case line == "AUTH":
			fmt.Fprint(w, "REJECTED EXTERNAL\r\n")
		case strings.HasPrefix(line, "AUTH EXTERNAL"):
			fmt.Fprint(w, "OK 0123456789abcdef0123456789abcdef\r\n")
		case line == "BEGIN":
			return nil
		default:
			fmt.Fprint(w, "ERROR\r\n")
		}
	}
}

func (m *manager) handle(c net.Conn, msg *dbus.Message) {
	member := msg.Headers[dbus.FieldMember].Value().(string)
	body, fail := m.call(member, msg)
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{}, Body: body}
	if fail != "" {
		reply.Type = dbus.TypeError
		reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant("org.freedesktop.systemd1." + fail)
	}
	reply.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(msg.Serial())
	m.send(c, reply)
	if job, ok := firstPath(body); ok {
		unit := msg.Body[0].(string)
		m.finish(job, unit)
	}
}

func firstPath(body []any) (dbus.ObjectPath, bool) {
	if len(body) == 0 {
		return "", false
	}
	p, ok := body[0].(dbus.ObjectPath)
	return p, ok
}

type fileChange struct{ Type, Name, Dest string }

func (m *manager) call(member string, msg *dbus.Message) (body []any, fail string) {
	switch member {
	case "Hello":
		return []any{":1.1"}, ""
	case "AddMatch", "ResetFailedUnit":
		return nil, ""
	case "Reload":
		m.calls = append(m.calls, "Reload")
		return nil, ""
	case "EnableUnitFiles":
		m.calls = append(m.calls, "Enable "+msg.Body[0].([]string)[0])
		return []any{true, []fileChange{}}, ""
	case "DisableUnitFiles":
		m.calls = append(m.calls, "Disable "+msg.Body[0].([]string)[0])
		return []any{[]fileChange{}}, ""
	case "StartUnit", "StopUnit", "RestartUnit", "TryRestartUnit", "ReloadUnit":
		return m.job(strings.TrimSuffix(member, "Unit"), msg.Body[0].(string))
	case "StartTransientUnit":
		return m.transient(msg.Body[0].(string), msg.Body[2])
	case "Get":
		return []any{dbus.MakeVariant(m.state(unescape(msg)))}, ""
	case "ListUnitsByNames":
		return m.list(msg.Body[0].([]string)), ""
	}
	return []any{"not known here: " + member}, "UnknownMethod"
}

func (m *manager) job(verb, unit string) ([]any, string) {
	m.calls = append(m.calls, verb+" "+unit)
	if _, ok := m.active[unit]; !ok {
		return []any{"Unit " + unit + " not loaded."}, "NoSuchUnit"
	}
	if verb != "TryRestart" && verb != "Reload" {
		m.active[unit] = map[string]string{"Start": "active", "Restart": "active", "Stop": "inactive"}[verb]
	}
	return []any{dbus.ObjectPath("/org/freedesktop/systemd1/job/7")}, ""
}

// transient really runs the command of a transient unit.
func (m *manager) transient(unit string, props any) ([]any, string) {
	m.calls = append(m.calls, "Run "+unit)
	if s := m.state(unit); s != "inactive" {
		return []any{"Unit " + unit + " already exists."}, "UnitExists"
	}
	var argv []string
	for _, p := range props.([][]any) {
		if p[0] == "ExecStart" {
			argv = p[1].(dbus.Variant).Value().([][]any)[0][1].([]string)
		}
	}
	m.active[unit] = "activating"
	m.wg.Go(func() {
		err := exec.Command(argv[0], argv[1:]...).Run()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.active[unit] = "inactive"
		if err != nil {
			m.active[unit] = "failed"
		}
	})
	return []any{dbus.ObjectPath("/org/freedesktop/systemd1/job/8")}, ""
}

func (m *manager) state(unit string) string {
	if s, ok := m.active[unit]; ok {
		return s
	}
	return "inactive"
}

type unitStatus struct {
	Name, Description, LoadState, ActiveState, SubState, Followed string
	Path                                                          dbus.ObjectPath
	JobID                                                         uint32
	JobType                                                       string
	JobPath                                                       dbus.ObjectPath
}

func (m *manager) list(units []string) []any {
	var found []unitStatus
	for _, u := range units {
		found = append(found, unitStatus{Name: u, ActiveState: m.state(u), Path: "/u", JobPath: "/"})
	}
	return []any{found}
}

// finish sends the signal about the end of a job to all clients, unless the result for
// the unit is "never".
func (m *manager) finish(job dbus.ObjectPath, unit string) {
	result := m.results[unit]
	if result == "" {
		result = "done"
	}
	if result == "never" {
		return
	}
	for c := range m.conns {
		m.send(c, &dbus.Message{Type: dbus.TypeSignal, Body: []any{uint32(7), job, unit, result},
			Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldPath:      dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/systemd1")),
				dbus.FieldInterface: dbus.MakeVariant("org.freedesktop.systemd1.Manager"),
				dbus.FieldMember:    dbus.MakeVariant("JobRemoved"),
			}})
	}
}

func (m *manager) send(c net.Conn, msg *dbus.Message) {
	if len(msg.Body) > 0 {
		msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(msg.Body...))
	}
	msg.Headers[dbus.FieldSender] = dbus.MakeVariant("org.freedesktop.systemd1")
	var buf bytes.Buffer
	if err := msg.EncodeTo(&buf, binary.LittleEndian); err != nil {
		panic(err)
	}
	m.serial++
	raw := buf.Bytes()
	binary.LittleEndian.PutUint32(raw[8:], m.serial) // dbus sets it only in its own connections
	c.Write(raw)
}

// unescape returns the name of the unit whose object receives a message.
func unescape(msg *dbus.Message) string {
	name := path.Base(string(msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)))
	return strings.NewReplacer("_2e", ".", "_2d", "-").Replace(name)
}

func (m *manager) set(unit, state string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active[unit] = state
}

func (m *manager) asked() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.calls...)
}
