package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

// Options of a backup.
type Options struct {
	FS host.FS
	// Etcd has the member of this server as its only endpoint, and the rights
	// of root.
	Etcd *clientv3.Client
	// Recipients may open the snapshot; Identity is one of them.
	Recipients []string
	Identity   hostkey.Identity
	// Restorer tries the snapshot out.
	Restorer Restorer
	Now      func() time.Time
	// Free tells how many bytes may still be written where a path is; nil asks
	// the file system.
	Free func(path string) (uint64, error)
	Log  *slog.Logger
}

// Result is a snapshot that counts.
type Result struct {
	Entry
	Info
	// Tried says that it was restored for trial; without it the image of etcd
	// has nothing to restore with.
	Tried bool
}

// workDir holds what is not encrypted, while it is needed.
var workDir = path.Join(neco.EtcdBackupDir, ".work")

// lockFile keeps two users of workDir apart, for which lockTimeout is waited.
const (
	lockFile    = "/var/lib/neco/backup.lock"
	lockTimeout = time.Second
)

// ErrBusy: another backup is under way on this server.
var ErrBusy = errors.New("another backup is under way")

// Run takes a snapshot, tries it, encrypts it and removes what is too old.  It
// blocks until that is done or ctx ends.  Nothing is removed unless the new one
// counts.  Cut off anywhere, it leaves nothing that List shows; the next one
// clears away what it left.
func Run(ctx context.Context, o Options) (Result, error) {
	release, dir, err := work(ctx, o.FS)
	if err != nil {
		return Result{}, fmt.Errorf("backup: %w", err)
	}
	defer release()
	r, err := o.take(ctx, dir)
	if err != nil {
		return Result{}, fmt.Errorf("backup: %w", err)
	}
	if err := prune(o.FS, r.Name, o.Now()); err != nil {
		return r, fmt.Errorf("backup: %s is written; %w", r.Path, err)
	}
	return r, nil
}

// work returns an empty directory to work in, for this process alone.
func work(ctx context.Context, fsys host.FS) (release func(), dir string, err error) {
	lock, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	unlock, err := fsys.Lock(lock, lockFile)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBusy, err)
	}
	release = func() {
		_ = fsys.RemoveDir(workDir) // else the next one does
		unlock()
	}
	err = errors.Join(
		fsys.MakeDir(host.Dir{Path: neco.EtcdBackupDir, Mode: 0o700}),
		fsys.RemoveDir(workDir),
		fsys.MakeDir(host.Dir{Path: workDir, Mode: 0o700}),
	)
	if err != nil {
		release()
		return nil, "", diskError(err)
	}
	return release, fsys.Path(workDir), nil
}

// take writes a snapshot that counts.
func (o Options) take(ctx context.Context, dir string) (Result, error) {
	if err := o.checkSpace(ctx); err != nil {
		return Result{}, err
	}
	plain, sealed := filepath.Join(dir, "snapshot.db"), filepath.Join(dir, "snapshot.db.age")
	at := o.Now().UTC().Truncate(time.Second)
	if err := o.fetch(ctx, plain); err != nil {
		return Result{}, err
	}
	r, err := examine(ctx, o.Restorer, plain, filepath.Join(dir, "restored"), o.Log)
	if err != nil {
		return Result{}, err
	}
	if err := sealFile(plain, sealed, o.Recipients); err != nil {
		return Result{}, fmt.Errorf("encrypt: %w", err)
	}
	if err := sameWhenOpened(sealed, o.Identity, r.SHA256); err != nil {
		return Result{}, fmt.Errorf("read back: %w", err)
	}
	r.Name = Name{at, r.Revision}
	r.Path = path.Join(neco.EtcdBackupDir, r.Name.String())
	if err := publish(sealed, o.FS.Path(r.Path)); err != nil {
		return Result{}, err
	}
	fi, err := o.FS.Stat(r.Path)
	if err != nil {
		return Result{}, err
	}
	r.Size = fi.Size()
	return r, nil
}

// fetch has the member send its database.
func (o Options) fetch(ctx context.Context, to string) error {
	stream, err := o.Etcd.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("ask etcd for a snapshot: %w", err)
	}
	defer stream.Close()
	err = create(to, func(w io.Writer) error {
		_, err := io.Copy(w, stream)
		return err
	})
	if err != nil {
		return fmt.Errorf("receive the snapshot: %w", err)
	}
	return nil
}

// examine tells whether the snapshot in the file plain counts.
func examine(ctx context.Context, restorer Restorer, plain, trial string, log *slog.Logger) (Result, error) {
	info, err := Inspect(plain)
	if err != nil {
		return Result{}, err
	}
	err = tryRestore(ctx, restorer, plain, trial, info)
	if errors.Is(err, ErrNoTool) {
		log.Warn("snapshot is not restored for trial", "err", err)
		return Result{Info: info}, nil
	}
	return Result{Info: info, Tried: true}, err
}

// publish gives a file its final name, for good.
func publish(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return diskError(err)
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
