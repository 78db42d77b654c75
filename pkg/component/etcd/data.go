package etcd

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// lockTimeout is how long HasData waits for a member that is shutting down to unlock
// its database. If the database stays locked for longer, the member is running.
const lockTimeout = 5 * time.Second

// MemberDir is the directory that a starting member creates in its data directory.
const MemberDir = neco.EtcdDataDir + "/member"

// Started reports whether the etcd member of this host has ever been started.
func Started(fsys host.FS) (bool, error) { return fsys.Exists(MemberDir) }

// HasData reports whether the member with the data directory dir has ever applied an
// entry of its cluster's log. A locked database counts as data, an unreadable one as
// none. HasData blocks for up to five seconds.
//
// The existence of directories, a database and a log is not sufficient, because a
// member whose data was lost creates them at each start before it fails.
func HasData(dir string) (bool, error) {
	path := filepath.Join(dir, "member", "snap", "db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: lockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return true, nil
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return false, nil
	case err != nil:
		return false, err
	}
	defer db.Close()
	applied := false
	err = db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket([]byte("meta")); meta != nil {
			index := meta.Get([]byte("consistent_index"))
			applied = len(index) == 8 && binary.BigEndian.Uint64(index) > 0
		}
		return nil
	})
	return applied, err
}
