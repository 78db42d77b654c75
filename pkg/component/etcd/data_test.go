package etcd_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	sandbox "github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/component/etcd"
)

// stopped returns the data directory of a real member that has run.
func stopped(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c, err := sandbox.Start(t.Context(), sandbox.Options{Dir: dir, Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	if running, err := filepath.Glob(filepath.Join(dir, "*", "boot-0")); err != nil || len(running) != 1 {
		t.Fatal(running, err)
	} else {
		dir = running[0]
	}
	client, err := c.Client("/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(context.WithoutCancel(t.Context()), "a", "b"); err != nil {
		t.Fatal(err)
	}
	client.Close()
	c.Close()
	return dir
}

func TestDataIsWhatAMemberHasApplied(t *testing.T) {
	tests := []struct {
		name string
		harm func(t *testing.T, db string)
		want bool
	}{
		{"a member that has run", func(*testing.T, string) {}, true},
		{"no directory", func(t *testing.T, db string) { check(t, os.RemoveAll(filepath.Dir(filepath.Dir(db)))) }, false},
		{"a database that a failing start has made again", func(t *testing.T, db string) {
			check(t, os.Remove(db))
			d, err := bbolt.Open(db, 0o600, nil)
			check(t, err)
			check(t, d.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("meta"))
				return err
			}))
			check(t, d.Close())
		}, false},
		{"a corrupt database", func(t *testing.T, db string) {
			check(t, os.WriteFile(db, make([]byte, 1<<16), 0o600))
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := stopped(t)
			tt.harm(t, filepath.Join(dir, "member", "snap", "db"))
			if got, err := etcd.HasData(dir); err != nil || got != tt.want {
				t.Errorf("has data: %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
