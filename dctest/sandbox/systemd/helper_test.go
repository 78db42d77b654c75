package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"github.com/cybozu-go/neco/dctest/executable"
)

// helperEnv makes the test binary act as a service of type notify, which is ready when
// the file named by the variable exists.
const helperEnv = "SYSTEMD_TEST_READY_FILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(helperEnv); file != "" {
		beService(file)
		return
	}
	os.Exit(m.Run())
}

func beService(file string) {
	conn, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
	fmt.Fprint(conn, "STATUS=waiting")
	for {
		if _, err := os.Stat(file); err == nil {
			fmt.Fprint(conn, "READY=1\nSTATUS=ready")
			time.Sleep(time.Hour)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// host is a manager with its own root.
type host struct {
	*Manager
	t    *testing.T
	root string
	logs string
}

// newHost starts a manager whose root contains files, given by path and content.
func newHost(t *testing.T, files map[string]string) *host {
	t.Helper()
	dir := t.TempDir()
	socket, err := os.MkdirTemp("", "sd") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, root: filepath.Join(dir, "root"), logs: filepath.Join(dir, "logs")}
	for name, content := range files {
		h.write(name, content)
	}
	h.Manager, err = New(Options{
		Root: h.root, Socket: filepath.Join(socket, "bus"), LogDir: h.logs,
		Env: []string{"GIVEN=by options"}, KillAfter: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		os.RemoveAll(socket)
	})
	return h
}

func (h *host) write(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	var err error
	if strings.HasPrefix(content, "#!") {
		err = executable.Write(path, []byte(content))
	} else {
		err = os.WriteFile(path, []byte(content), 0o644)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) log(unit string) string {
	data, err := os.ReadFile(filepath.Join(h.logs, unit+".log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	return string(data)
}

// client connects to D-Bus as any program does.
func (h *host) client() *dbus.Conn {
	h.t.Helper()
	h.t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", h.Address())
	conn, err := dbus.NewSystemConnectionContext(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(conn.Close)
	return conn
}

// eventually waits until holds returns true.
func (h *host) eventually(what string, holds func() bool) {
	h.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			h.t.Fatalf("this does not hold after 10 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// job submits a job and returns its result, or the name of the error.
func (h *host) job(submit func(context.Context, string, string, chan<- string) (int, error), unit string) string {
	h.t.Helper()
	done := make(chan string, 1)
	if _, err := submit(h.t.Context(), unit, "replace", done); err != nil {
		return errorName(err)
	}
	select {
	case result := <-done:
		return result
	case <-time.After(10 * time.Second):
		h.t.Fatalf("no result for %s", unit)
		return ""
	}
}

func errorName(err error) string {
	var known godbus.Error
	if errors.As(err, &known) {
		return known.Name
	}
	return err.Error()
}

// prop reads one property of a service.
func prop(t *testing.T, conn *dbus.Conn, unit, name string) any {
	t.Helper()
	all, err := conn.GetAllPropertiesContext(t.Context(), unit)
	if err != nil {
		t.Fatal(err)
	}
	value, ok := all[name]
	if !ok {
		t.Fatalf("%s has no property %s", unit, name)
	}
	return value
}

func states(t *testing.T, conn *dbus.Conn, unit string) string {
	t.Helper()
	return fmt.Sprintf("%v %v/%v %v", prop(t, conn, unit, "LoadState"), prop(t, conn, unit, "ActiveState"),
		prop(t, conn, unit, "SubState"), prop(t, conn, unit, "Result"))
}
