package setup_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/setup"
)

// stopped records the names of the units that are stopped, in order.
type stopped struct {
	component.Units
	names []string
	err   error
}

func (s *stopped) Stop(_ context.Context, name string) error {
	s.names = append(s.names, name)
	return s.err
}

func newHalfDone(t *testing.T) (setup.Host, *stopped) {
	t.Helper()
	units := &stopped{}
	h := setup.Host{FS: host.FS{Root: t.TempDir()}, Units: units, TrustServerCA: func(context.Context) error { return nil }}
	for _, name := range []string{
		neco.ServiceFile(neco.EtcdService), "/lib/systemd/system/neco-worker.service",
		neco.ServiceFile(neco.SabakanService), neco.ServiceFile(neco.SerfService),
		neco.EtcdConfFile, neco.ServerKeyFile, "/etc/neco/rack", "/var/lib/neco/join/progress.json",
		"/var/lib/etcd-container/member/wal/0", "/var/lib/etcd-backup/snapshot.age", "/etc/neco/join-token",
	} {
		if _, err := h.FS.Write(host.File{Path: name, Data: []byte("x"), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	return h, units
}

func TestResetUndoesWhatItHasNamed(t *testing.T) {
	h, units := newHalfDone(t)
	left := h.Left("/etc/neco/join-token")
	var out bytes.Buffer
	left.Print(&out)
	for _, name := range []string{"stop etcd-container", "remove /etc/neco/server.key", "remove all in /var/lib/neco/join"} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("%q is not named in:\n%s", name, &out)
		}
	}
	if err := h.Undo(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sabakan", "neco-worker", "etcd-container"}, units.names); diff != "" {
		t.Error(diff)
	}
	for _, name := range append(left.Files, left.Dirs...) {
		if _, err := h.FS.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left (%v)", name, err)
		}
	}
	for _, name := range []string{"/etc/neco/rack", "/var/lib/etcd-backup/snapshot.age"} {
		if _, err := h.FS.Stat(name); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	}
	if again := h.Left(); !again.Empty() {
		t.Errorf("there is more to undo: %+v", again)
	}
}

func TestResetRemovesNothingFromUnderAServiceThatRuns(t *testing.T) {
	h, units := newHalfDone(t)
	units.err = errors.New("it hangs")
	left := h.Left()
	if err := h.Undo(t.Context(), left); !errors.Is(err, units.err) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(left, h.Left()); diff != "" {
		t.Error(diff)
	}
}
