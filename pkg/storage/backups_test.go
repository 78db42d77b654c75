package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestABackupThatFailsKeepsWhatIsKnownOfTheNewestOne(t *testing.T) {
	s := newStorage(t)
	put(t, s, "info/bootservers/1", "")
	put(t, s, "backups/x", "{}")
	hour := func(n int) time.Time { return time.Date(2030, 1, 2, n, 0, 0, 0, time.UTC) }
	holds := func(want storage.Backup) {
		t.Helper()
		snap, err := s.FullSnapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, bad := snap.MalformedAt("backups/x"); !bad {
			t.Errorf("malformed %v", snap.Malformed)
		}
		if diff := cmp.Diff(want, snap.Backups[1]); diff != "" || len(snap.Backups) != 1 {
			t.Error(diff)
		}
	}
	good := func(lrn, n int) {
		t.Helper()
		if err := s.PutBackup(t.Context(), lrn, hour(n), int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	failed := func(n int, why string) {
		t.Helper()
		if err := s.PutBackupFailure(t.Context(), 1, hour(n), errors.New(why)); err != nil {
			t.Fatal(err)
		}
	}
	failed(0, "no etcd")
	holds(storage.Backup{Error: "no etcd", Since: hour(0)})
	good(1, 1)
	good(2, 1) // the report of a server that is not registered is dropped
	holds(storage.Backup{At: hour(1), Revision: 1})
	failed(2, "no room")
	failed(3, "nor a key")
	holds(storage.Backup{At: hour(1), Revision: 1, Error: "nor a key", Since: hour(2)})
	good(1, 4)
	holds(storage.Backup{At: hour(4), Revision: 4})
	put(t, s, "backups/1", "nonsense")
	failed(5, "again")
	holds(storage.Backup{Error: "again", Since: hour(5)})
}
