package placemat

import (
	"os"
	"path/filepath"
	"testing"
)

func TestALockIsHeldByOneAndMayBeRemovedByItsHolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "states", "dc.lock")
	first, err := tryLock(name)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if f, err := tryLock(name); err == nil {
		f.Close()
		t.Fatal("a second holder")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	second, err := tryLock(name)
	if err != nil {
		t.Fatal("the lock of a removed file counts:", err)
	}
	defer second.Close()
	if isFile(first, name) {
		t.Error("the removed file is taken for the new one")
	}
}
