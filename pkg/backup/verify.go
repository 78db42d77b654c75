package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

// Verifier reads snapshots back.
type Verifier struct {
	FS host.FS
	// Identity opens the snapshots.
	Identity hostkey.Identity
	Restorer Restorer
	Log      *slog.Logger
}

// Verify decrypts the snapshot in the file of this process and looks whether it
// still counts.  It blocks until that is done or ctx ends; what it decrypts is
// on the disk meanwhile, for root alone.  hostkey.ErrCannotOpen: it is not for
// this identity.
func (v Verifier) Verify(ctx context.Context, file string) (r Result, err error) {
	err = v.with(ctx, file, func(plain string) error {
		r, err = examine(ctx, v.Restorer, plain, filepath.Join(filepath.Dir(plain), "restored"), v.Log)
		return err
	})
	return r, err
}

// Value returns the value of a key, in full with its prefix, in the snapshot in
// the file of this process.
func (v Verifier) Value(ctx context.Context, file, key string) (value []byte, err error) {
	err = v.with(ctx, file, func(plain string) error {
		if _, err := checkTrailer(plain); err != nil {
			return err
		}
		value, err = Lookup(plain, key)
		return err
	})
	return value, err
}

// with calls f with the decrypted snapshot, which is gone afterwards.
func (v Verifier) with(ctx context.Context, file string, f func(plain string) error) error {
	fi, err := os.Stat(file)
	if err != nil {
		return err
	}
	fsys, remove, err := v.place()
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer remove()
	release, dir, err := work(ctx, fsys)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer release()
	if free, err := fsys.Free(workDir); err != nil {
		return err
	} else if err := enough(free, fi.Size()); err != nil {
		return err
	}
	plain := filepath.Join(dir, "snapshot.db")
	if err := openFile(file, plain, v.Identity); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := f(plain); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// place returns the file system to work in: that of the boot server if it has
// snapshots, else a temporary one, so that nothing is left on another host.
func (v Verifier) place() (fsys host.FS, remove func(), err error) {
	_, err = v.FS.Stat(neco.EtcdBackupDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return v.FS, func() {}, err
	}
	dir, err := os.MkdirTemp("", "neco-backup-")
	return host.FS{Root: dir}, func() { _ = os.RemoveAll(dir) }, err
}
