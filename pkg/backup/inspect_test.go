package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// database returns a database with n keys.
func database(t *testing.T, n int) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db")
	db, err := bolt.Open(file, 0o600, &bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(keyBucket))
		for rev := 1; rev <= n && err == nil; rev++ {
			kv := mvccpb.KeyValue{Key: fmt.Append(nil, "key ", rev), Value: make([]byte, 100), ModRevision: int64(rev)}
			value, _ := kv.Marshal()
			err = b.Put(revision(uint64(rev)), value)
		}
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// snapshot returns a snapshot of the database db after change has damaged it. Its
// checksum is valid, as in a snapshot from an etcd with a bad disk.
func snapshot(t *testing.T, db []byte, change func([]byte)) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db")
	data := bytes.Clone(db)
	change(data)
	sum := sha256.Sum256(data)
	if err := os.WriteFile(file, append(data, sum[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func revision(n uint64) []byte {
	k := make([]byte, revisionLen)
	binary.BigEndian.PutUint64(k, n)
	k[8] = revisionBar
	return k
}

func TestInspect(t *testing.T) {
	info, err := Inspect(snapshot(t, database(t, 1000), func([]byte) {}))
	if err != nil || info.Revision != 1000 || info.Keys != 1000 {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestADatabaseThatWasDamagedInsideEtcdEndsNoProgram inspects snapshots whose checksum
// is valid, because etcd has computed it from the damaged data.
func TestADatabaseThatWasDamagedInsideEtcdEndsNoProgram(t *testing.T) {
	const page = 4096
	whole := database(t, 500)
	found := 0
	for p := range len(whole) / page {
		for _, at := range []int{0, 8, 10, 12, 16, 24, 30} {
			file := snapshot(t, whole, func(data []byte) { data[p*page+at] ^= 0xff })
			if _, err := Inspect(file); err != nil {
				found++
			}
		}
	}
	if found == 0 {
		t.Error("nothing is found")
	}
	for name, change := range map[string]func([]byte){
		"no database": func(data []byte) { clear(data) },
		"empty":       func([]byte) {},
	} {
		n := 1
		if name == "empty" {
			n = 0
		}
		if _, err := Inspect(snapshot(t, database(t, n), change)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATrailerThatIsNotTheDatabases(t *testing.T) {
	file := snapshot(t, database(t, 10), func([]byte) {})
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"cut off":          {data[:len(data)-1], ErrTruncated},
		"without checksum": {data[:len(data)-sha256.Size], ErrTruncated},
		"a page less":      {append(data[:len(data)-pageSize-sha256.Size:len(data)-pageSize-sha256.Size], data[len(data)-sha256.Size:]...), ErrDigestMismatch},
		"nothing":          {nil, ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "db")
			if err := os.WriteFile(file, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Inspect(file); !errors.Is(err, test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestARevisionThatIsNone(t *testing.T) {
	for _, k := range [][]byte{nil, {1}, revision(0), revision(1 << 63), append(revision(1), 'x'), append(revision(1), 't', 't')} {
		if _, _, err := parseRevision(k); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x: %v", k, err)
		}
	}
	if rev, deleted, err := parseRevision(append(revision(9), deletionMark)); rev != 9 || !deleted || err != nil {
		t.Error(rev, deleted, err)
	}
}

func TestAFullDiskHasAKind(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	_, err = io.WriteString(full, "x")
	if err := diskError(err); !errors.Is(err, ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v", err)
	}
	if err := enough(restoreSpace, 1<<30); !errors.Is(err, ErrDiskFull) {
		t.Errorf("error %v", err)
	}
	if err := enough(4<<30, 1<<30); err != nil {
		t.Error(err)
	}
}
