package hostkey

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/cybozu-go/neco/pkg/host"
)

func TestWhatWasNeverSealedIsNotRepeated(t *testing.T) {
	id, err := Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenFrom(strings.NewReader("my secret\n"), id)
	if !errors.Is(err, ErrNotSealed) || strings.Contains(err.Error(), "my secret") {
		t.Errorf("error %v", err)
	}
}

func TestADiskThatCannotBeReadIsNoDamagedText(t *testing.T) {
	id, err := Load(t.Context(), host.FS{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	broken := &fs.PathError{Op: "read", Path: "/x", Err: syscall.EIO}
	if _, err := OpenFrom(iotest.ErrReader(broken), id); !errors.Is(err, syscall.EIO) || errors.Is(err, ErrNotSealed) {
		t.Errorf("error %v", err)
	}
}
