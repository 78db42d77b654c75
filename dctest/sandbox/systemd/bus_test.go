package systemd

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

func TestTheHandshake(t *testing.T) {
	cases := map[string]struct {
		lines []string
		want  []string
	}{
		"the user from the kernel":     {[]string{"AUTH EXTERNAL", "DATA"}, []string{"DATA", "OK"}},
		"another mechanism":            {[]string{"AUTH", "AUTH ANONYMOUS"}, []string{"REJECTED EXTERNAL", "REJECTED EXTERNAL"}},
		"another user":                 {[]string{"AUTH EXTERNAL 39393939"}, []string{"REJECTED EXTERNAL"}},
		"another user, later":          {[]string{"AUTH EXTERNAL", "DATA 39393939"}, []string{"DATA", "REJECTED EXTERNAL"}},
		"no files are passed":          {[]string{"AUTH EXTERNAL", "DATA", "NEGOTIATE_UNIX_FD"}, []string{"DATA", "OK", "ERROR"}},
		"BEGIN before authentication":  {[]string{"BEGIN", "AUTH EXTERNAL", "BEGIN"}, []string{"ERROR", "DATA", "ERROR"}},
		"an empty line":                {[]string{"", "AUTH"}, []string{"ERROR", "REJECTED EXTERNAL"}},
		"a cancellation after success": {[]string{"AUTH EXTERNAL", "DATA", "CANCEL", "BEGIN"}, []string{"DATA", "OK", "REJECTED EXTERNAL", "ERROR"}},
	}
	h := newHost(t, nil)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, h)
			answers := bufio.NewReader(conn)
			conn.Write([]byte{0})
			for i, line := range c.lines {
				conn.Write([]byte(line + "\r\n"))
				got, err := answers.ReadString('\n')
				if err != nil || !strings.HasPrefix(got, c.want[i]) {
					t.Fatalf("%q is answered %q, %v; want %s", line, got, err, c.want[i])
				}
			}
		})
	}
}

func TestBadClientsAreDisconnected(t *testing.T) {
	h := newHost(t, nil)
	for name, text := range map[string]string{
		"no zero byte":    "AUTH EXTERNAL\r\n",
		"an endless line": "\x00" + strings.Repeat("x", 1<<16),
		"too many lines":  "\x00" + strings.Repeat("AUTH\r\n", maxAuthLines+1),
		"no message":      "\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nGET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 100),
		"a huge message":  "\x00AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nl\x01\x00\x01\xff\xff\xff\x7f\x01\x00\x00\x00\xff\xff\xff\x7f" + strings.Repeat("x", 100),
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, h)
			conn.Write([]byte(text))
			if _, err := bufio.NewReader(conn).WriteTo(discard{}); err != nil && os.IsTimeout(err) {
				t.Error("it is still connected")
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func dial(t *testing.T, h *host) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", h.opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestCallsThatDoNotExist(t *testing.T) {
	h := newHost(t, map[string]string{unitDir + "a.service": sleeper})
	bus, err := dbus.Connect(h.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	manager := bus.Object(managerDest, managerPath)
	call := func(o dbus.BusObject, method string, args ...any) string {
		return errorName(o.CallWithContext(t.Context(), method, 0, args...).Err)
	}
	for name, got := range map[string][2]string{
		"a method":               {call(manager, managerName+".Halt"), nameNoMethod},
		"an interface":           {call(manager, "org.example.Manager.Reload"), nameNoMethod},
		"too few arguments":      {call(manager, managerName+".StartUnit", "a.service"), nameInvalidArgs},
		"arguments of a type":    {call(manager, managerName+".StartUnit", 1, 2), nameInvalidArgs},
		"a property":             {call(manager, propsName+".Get", managerName, "Nothing"), nameNoProperty},
		"an object":              {call(bus.Object(managerDest, "/x"), propsName+".GetAll", ""), "org.freedesktop.DBus.Error.UnknownObject"},
		"a unit that is loaded":  {call(manager, managerName+".GetUnit", "a.service"), nameNoSuchUnit},
		"a state of a file":      {call(manager, managerName+".GetUnitFileState", "b.service"), nameFileNotFound},
		"an owner":               {call(bus.BusObject(), busName+".GetNameOwner", "org.example"), "org.freedesktop.DBus.Error.NameHasNoOwner"},
		"a unit to kill":         {call(manager, managerName+".KillUnit", "b.service", "all", int32(9)), nameNoSuchUnit},
		"a process of some unit": {call(manager, managerName+".GetUnitByPID", uint32(os.Getpid())), "org.freedesktop.systemd1.NoUnitForPID"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %s, want %s", name, got[0], got[1])
		}
	}
	var p dbus.ObjectPath
	if err := manager.CallWithContext(t.Context(), managerName+".LoadUnit", 0, "a.service").Store(&p); err != nil || p != unitPath("a.service") {
		t.Errorf("load: %s, %v", p, err)
	}
	var state string
	if err := manager.CallWithContext(t.Context(), managerName+".GetUnitFileState", 0, "a.service").Store(&state); err != nil || state != "disabled" {
		t.Errorf("file state: %s, %v", state, err)
	}
}

func TestTheSocketIsPrivateAndGoesAway(t *testing.T) {
	h := newHost(t, nil)
	info, err := os.Stat(h.opts.Socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(h.opts.Socket); !os.IsNotExist(err) {
		t.Errorf("the socket still exists: %v", err)
	}
}

func TestNewReplacesALeftSocketOnly(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Root: dir, Socket: file, LogDir: dir}); err == nil {
		t.Error("a file is replaced")
	}
	if _, err := New(Options{Root: dir}); err == nil {
		t.Error("options may be missing")
	}
}

func writeUnit(t *testing.T, root, text string) {
	t.Helper()
	dir := filepath.Join(root, unitDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.service"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
