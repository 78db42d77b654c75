package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Info describes the contents of a snapshot.
type Info struct {
	// Revision is the last revision of etcd in the snapshot. Keys is the number of keys
	// that exist at that revision.
	Revision int64
	Keys     int
	// SHA256 is the checksum of the database, which etcd has appended to the snapshot.
	SHA256 []byte
}

// keyBucket is the bucket of the database that contains all revisions of all keys, in
// order.
const keyBucket = "key"

// openTimeout is how long a function waits for the lock of the database file before it
// fails. No other process should hold that lock.
const openTimeout = time.Second

// withDatabase calls f in a read transaction on the database in file. If f makes bbolt
// panic or causes a memory fault, because the database is damaged, it returns
// ErrCorrupt.
func withDatabase(file string, f func(*bolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = corrupt("%v", cause)
		}
	}()
	db, err := bolt.Open(file, 0o400, &bolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: openTimeout})
	if err != nil {
		return openError(err)
	}
	defer db.Close()
	return db.View(f)
}

func openError(err error) error {
	bad := []error{bolterrors.ErrInvalid, bolterrors.ErrChecksum, bolterrors.ErrVersionMismatch}
	if slices.ContainsFunc(bad, func(b error) bool { return errors.Is(err, b) }) {
		return corrupt("%w", err)
	}
	return err
}

// readDatabase checks the structure of the database in file and reads all revisions in
// order, as a restore does. It returns a description of the contents.
func readDatabase(file string) (Info, error) {
	var info Info
	err := withDatabase(file, func(tx *bolt.Tx) error {
		// bbolt's check runs in a goroutine of its own, whose panic would end this
		// process. checkPages and walk find the same damage before.
		if err := checkPages(file, tx); err != nil {
			return err
		}
		if err := tx.ForEach(walk); err != nil {
			return err
		}
		if err := check(tx); err != nil {
			return err
		}
		live := map[string]bool{}
		err := replay(tx, func(rev int64, kv *mvccpb.KeyValue, deleted bool) {
			info.Revision = rev
			if deleted {
				delete(live, string(kv.Key))
			} else {
				live[string(kv.Key)] = true
			}
		})
		info.Keys = len(live)
		return err
	})
	if err == nil && info.Revision == 0 {
		err = corrupt("it has no revisions")
	}
	return info, err
}

// walk reads a bucket of the database and all buckets in that bucket, to find damaged
// pages.
func walk(_ []byte, bucket *bolt.Bucket) error {
	return bucket.ForEach(func(k, v []byte) error {
		if v == nil {
			return walk(k, bucket.Bucket(k))
		}
		return nil
	})
}

// check runs bbolt's own check of the database and returns its first error.
func check(tx *bolt.Tx) (first error) {
	for err := range tx.Check() { // the loop must drain the channel, or a goroutine would block
		if first == nil {
			first = corrupt("%w", err)
		}
	}
	return first
}

// replay calls f for each revision of each key in the database, in order.
func replay(tx *bolt.Tx, f func(rev int64, kv *mvccpb.KeyValue, deleted bool)) error {
	bucket := tx.Bucket([]byte(keyBucket))
	if bucket == nil {
		return corrupt("it is not a database of etcd: it has no bucket %q", keyBucket)
	}
	return bucket.ForEach(func(k, v []byte) error {
		rev, deleted, err := parseRevision(k)
		if err != nil {
			return err
		}
		var kv mvccpb.KeyValue
		if err := kv.Unmarshal(v); err != nil {
			return corrupt("revision %d: %w", rev, err)
		}
		if !deleted && kv.ModRevision != rev {
			return corrupt("revision %d: the revision in its value is %d", rev, kv.ModRevision)
		}
		f(rev, &kv, deleted)
		return nil
	})
}

// A revision in etcd's encoding is two numbers of eight bytes each, with revisionBar
// between them. If the revision deleted its key, deletionMark follows.
const (
	revisionLen  = 8 + 1 + 8
	revisionBar  = '_'
	deletionMark = 't'
)

func parseRevision(k []byte) (rev int64, deleted bool, err error) {
	deleted = len(k) == revisionLen+1 && k[revisionLen] == deletionMark
	if len(k) != revisionLen && !deleted || k[8] != revisionBar {
		return 0, false, corrupt("%x is not a revision", k)
	}
	n := binary.BigEndian.Uint64(k)
	if n == 0 || n > 1<<62 {
		return 0, false, corrupt("%d is not a revision", n)
	}
	return int64(n), deleted, nil
}

// Lookup returns the value of key in the decrypted snapshot file, or ErrAbsent if the
// snapshot does not contain the key. key includes its prefix.
func Lookup(file, key string) ([]byte, error) {
	var value []byte
	found := false
	err := withDatabase(file, func(tx *bolt.Tx) error {
		return replay(tx, func(_ int64, kv *mvccpb.KeyValue, deleted bool) {
			if string(kv.Key) == key {
				value, found = kv.Value, !deleted
			}
		})
	})
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	if !found {
		return nil, fmt.Errorf("snapshot: %s: %w", key, ErrAbsent)
	}
	return value, nil
}
