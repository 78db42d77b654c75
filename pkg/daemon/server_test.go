package daemon

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
)

// bootServer creates the file system of a boot server. Its argument files adds to the
// default files or replaces them.
func bootServer(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	all := map[string]string{
		neco.RackFile: "2\n", "/etc/hostname": "boot-2\n", neco.NecoConfFile: "endpoints: [http://127.0.0.1:1]\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestADaemonKnowsItsServerAndTellsSystemdThatItHasStarted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", socket)
	var log bytes.Buffer
	s, err := Open(t.Context(), bootServer(t, nil), "neco-worker", Logger(&log, slog.LevelInfo))
	if err != nil {
		t.Fatal(err) // etcd does not run, and Open does not need it
	}
	defer s.Close()
	if s.LRN != 2 || s.Hostname != "boot-2" || !strings.Contains(log.String(), "lrn=2") {
		t.Errorf("%+v, log %s", s, log.String())
	}
	if err := l.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 64)
	n, err := l.Read(said)
	if err != nil || string(said[:n]) != "READY=1" {
		t.Errorf("systemd was told %q, %v", said[:n], err)
	}
}

func TestOneDaemonOfItsKindRunsOnAServer(t *testing.T) {
	root, log := bootServer(t, nil), slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), root, "neco-worker", log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, root, "neco-worker", log); err == nil || !strings.Contains(err.Error(), "another neco-worker runs here") {
		t.Errorf("a second one: %v", err)
	}
	other, err := Open(t.Context(), root, "neco-updater", log)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	s.Close()
	again, err := Open(t.Context(), root, "neco-worker", log)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestADaemonThatCannotBeginNamesTheFileAndLetsTheNextOneIn(t *testing.T) {
	for file, text := range map[string]string{neco.RackFile: "rack 2\n", neco.NecoConfFile: "endpoints: 1\n"} {
		root := bootServer(t, map[string]string{file: text})
		for range 2 { // the second Open finds that the first has released the lock
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if _, err := Open(ctx, root, "neco-worker", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: %v", file, err)
			}
			cancel()
		}
	}
}

func TestABootHasAnID(t *testing.T) {
	if id := BootID(); len(id) != 36 || id != BootID() {
		t.Errorf("boot id %q", id)
	}
}
