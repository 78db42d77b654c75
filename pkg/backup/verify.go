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

// Verifier decrypts and checks snapshots.
type Verifier struct {
	FS host.FS
	// Identity decrypts the snapshots.
	Identity hostkey.Identity
	Restorer Restorer
	Log      *slog.Logger
}

// Verify decrypts the snapshot file and checks it as Run does. It blocks until that is
// done or ctx ends. During this time the decrypted file is on the disk, readable by its
// owner only. If the snapshot is not encrypted to Identity, Verify returns
// hostkey.ErrCannotOpen. The path file is not relative to FS.
func (v Verifier) Verify(ctx context.Context, file string) (r Result, err error) {
	err = v.with(ctx, file, func(plain string) error {
		r, err = examine(ctx, v.Restorer, plain, filepath.Join(filepath.Dir(plain), "restored"), v.Log)
		return err
	})
	return r, err
}

// Value returns the value of key in the encrypted snapshot file, or ErrAbsent if the
// snapshot does not contain the key. key includes its prefix. The path file is not
// relative to FS.
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

// with decrypts the snapshot file, calls f with the path of the decrypted snapshot, and
// then removes the decrypted snapshot.
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

// place returns the file system for temporary files: v.FS if it has the backup
// directory of a boot server, or else a temporary directory. remove deletes the
// temporary directory, so that no file is left on a host that is not a boot server.
func (v Verifier) place() (fsys host.FS, remove func(), err error) {
	_, err = v.FS.Stat(neco.EtcdBackupDir)
	if !errors.Is(err, fs.ErrNotExist) {
		return v.FS, func() {}, err
	}
	dir, err := os.MkdirTemp("", "neco-backup-")
	return host.FS{Root: dir}, func() { _ = os.RemoveAll(dir) }, err
}
