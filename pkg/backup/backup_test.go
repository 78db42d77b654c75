package backup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// copied is a Restorer that copies the database without the appended checksum. A real
// restore does the same.
type copied struct{}

func (copied) Restore(_ context.Context, file, dir string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, "data/member/snap/db")
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, data[:len(data)-32], 0o600)
}

// tool is a Restorer that returns err.
type tool struct{ err error }

func (t tool) Restore(context.Context, string, string) error { return t.err }

func options(t *testing.T) backup.Options {
	t.Helper()
	fsys := host.FS{Root: t.TempDir()}
	id, err := hostkey.Load(t.Context(), fsys)
	if err != nil {
		t.Fatal(err)
	}
	return backup.Options{
		FS: fsys, Etcd: cluster.NewClient(t, cluster.Prefix()),
		Identity: id, Recipients: []string{id.Recipient()}, Restorer: copied{},
		Now: func() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 6, time.UTC) },
		Log: slog.New(slog.DiscardHandler),
	}
}

func put(t *testing.T, o backup.Options, key, value string) {
	t.Helper()
	if _, err := o.Etcd.Put(t.Context(), key, value); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, o backup.Options) backup.Result {
	t.Helper()
	r, err := backup.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newRecovery returns a new recovery key.
func newRecovery(t *testing.T) hostkey.Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	id, err := hostkey.ParseIdentity(key.String())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func verifier(o backup.Options) backup.Verifier {
	return backup.Verifier{FS: o.FS, Identity: o.Identity, Restorer: o.Restorer, Log: o.Log}
}

func TestASnapshotIsSealedAndReadBack(t *testing.T) {
	o := options(t)
	recovery := newRecovery(t)
	o.Recipients = append(o.Recipients, recovery.Recipient())
	put(t, o, "secret", "in-clear-in-etcd")
	r := take(t, o)
	if want := fmt.Sprintf("/var/lib/etcd-backup/snapshot-20300102T030405Z-%d.db.age", r.Revision); r.Path != want || !r.Tried {
		t.Errorf("%+v, want %s", r, want)
	}
	list, err := backup.List(o.FS)
	if err != nil || len(list) != 1 || list[0] != r.Entry {
		t.Errorf("list %+v, %v", list, err)
	}
	file := o.FS.Path(r.Path)
	data, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(data), "in-clear-in-etcd") {
		t.Errorf("not encrypted, or %v", err)
	}
	for name, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700} {
		if fi, err := os.Stat(name); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, fi.Mode(), err)
		}
	}
	for who, id := range map[string]hostkey.Identity{"host": o.Identity, "recovery": recovery} {
		v := verifier(o)
		v.Identity = id
		got, err := v.Verify(t.Context(), file)
		if err != nil || got.Revision != r.Revision || got.Keys != r.Keys {
			t.Errorf("%s: %+v, %v", who, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), ".work")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left in clear: %v", err)
	}
}

func TestOneKeyIsFoundInASnapshot(t *testing.T) {
	o := options(t)
	prefix := cluster.Prefix()
	o.Etcd = cluster.NewClient(t, prefix)
	put(t, o, "kept", "old")
	put(t, o, "kept", "new")
	put(t, o, "gone", "x")
	if _, err := o.Etcd.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	r, v := take(t, o), verifier(o)
	if got, err := v.Value(t.Context(), o.FS.Path(r.Path), prefix+"kept"); err != nil || string(got) != "new" {
		t.Errorf("%q, %v", got, err)
	}
	for _, key := range []string{"gone", "never"} {
		if _, err := v.Value(t.Context(), o.FS.Path(r.Path), prefix+key); !errors.Is(err, backup.ErrAbsent) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestADamagedSnapshotIsFound(t *testing.T) {
	o := options(t)
	put(t, o, "a", "b")
	whole, err := os.ReadFile(o.FS.Path(take(t, o).Path))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(at int) []byte {
		data := append([]byte(nil), whole...)
		data[at] ^= 1
		return data
	}
	tests := map[string]struct {
		data []byte
		id   hostkey.Identity
		want error
	}{
		"another key":             {whole, newRecovery(t), hostkey.ErrCannotOpen},
		"a byte of its middle":    {flip(len(whole) / 2), o.Identity, backup.ErrDigestMismatch},
		"its last byte":           {flip(len(whole) - 1), o.Identity, backup.ErrDigestMismatch},
		"its head":                {flip(3), o.Identity, backup.ErrDigestMismatch},
		"cut off in the middle":   {whole[:len(whole)/2], o.Identity, backup.ErrDigestMismatch},
		"its last byte is absent": {whole[:len(whole)-1], o.Identity, backup.ErrDigestMismatch},
		"empty":                   {nil, o.Identity, backup.ErrDigestMismatch},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(file, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			v := verifier(o)
			v.Identity = test.id
			if _, err := v.Verify(t.Context(), file); !errors.Is(err, test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestATrialRestoreThatFailsIsNoBackup(t *testing.T) {
	o := options(t)
	put(t, o, "a", "b")
	o.Restorer = tool{errors.New("out of luck")}
	if _, err := backup.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "trial restore: out of luck") {
		t.Errorf("error %v", err)
	}
	if list, err := backup.List(o.FS); len(list) != 0 || err != nil {
		t.Errorf("list %v, %v", list, err)
	}
	o.Restorer = tool{backup.ErrNoTool}
	if r := take(t, o); r.Tried {
		t.Error("tried without a tool")
	}
}

func TestNothingIsSealedToNobody(t *testing.T) {
	o := options(t)
	put(t, o, "a", "b")
	o.Recipients = nil
	if _, err := backup.Run(t.Context(), o); err == nil {
		t.Error("no error")
	}
}

func TestWhatAKilledOneLeftIsClearedAway(t *testing.T) {
	o := options(t)
	put(t, o, "a", "b")
	left := o.FS.Path("/var/lib/etcd-backup/.work/snapshot.db")
	if err := os.MkdirAll(filepath.Dir(left), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	take(t, o)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

func TestOnlyOneAtATime(t *testing.T) {
	o := options(t)
	release, err := o.FS.Lock(t.Context(), "/var/lib/neco/backup.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := backup.Run(t.Context(), o); !errors.Is(err, backup.ErrBusy) {
		t.Errorf("error %v", err)
	}
}

func TestAFullDiskKeepsWhatIsThere(t *testing.T) {
	o := options(t)
	put(t, o, "a", "b")
	take(t, o)
	before := names(t, o.FS.Path(neco.EtcdBackupDir))
	o.Free = func(string) (uint64, error) { return 1 << 20, nil }
	if _, err := backup.Run(t.Context(), o); !errors.Is(err, backup.ErrDiskFull) {
		t.Errorf("error %v", err)
	}
	if after := names(t, o.FS.Path(neco.EtcdBackupDir)); !slices.Equal(before, after) {
		t.Errorf("there are %q, there were %q", after, before)
	}
}

// names returns the names of the files in a directory.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
