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

// Options are the parameters of a backup.
type Options struct {
	FS host.FS
	// Etcd is a client with the permissions of root. Its only endpoint is the member of
	// this server.
	Etcd *clientv3.Client
	// Recipients are the public keys to which the snapshot is encrypted. That of
	// Identity must be one of them.
	Recipients []string
	Identity   hostkey.Identity
	// Restorer performs the trial restore.
	Restorer Restorer
	Now      func() time.Time
	// Free returns the free bytes of the file system that contains path. The default is
	// FS.Free.
	Free func(path string) (uint64, error)
	Log  *slog.Logger
}

// Result describes a snapshot that has passed all checks.
type Result struct {
	Entry
	Info
	// Tried reports that the trial restore has succeeded. It is false if no program on
	// the host can restore a snapshot (ErrNoTool).
	Tried bool
}

// workDir is the directory of unencrypted files during a backup or a verification.
var workDir = path.Join(neco.EtcdBackupDir, ".work")

// lockFile is locked by the process that uses workDir. lockTimeout is how long a
// process waits for that lock before it fails with ErrBusy.
const (
	lockFile    = "/var/lib/neco/backup.lock"
	lockTimeout = time.Second
)

// ErrBusy reports that another backup or verification is running on this server.
var ErrBusy = errors.New("another backup is running")

// Run takes a snapshot, checks it and writes it, encrypted, to the disk. Then it
// removes the snapshots that Surplus returns. It blocks until that is done or ctx ends.
//
// If Run fails before the snapshot is written, it removes no snapshot. If its process
// is killed, List shows no incomplete snapshot, and the next Run removes the temporary
// files.
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

// work locks lockFile and returns the empty directory workDir for temporary files.
// release removes the directory and unlocks lockFile.
func work(ctx context.Context, fsys host.FS) (release func(), dir string, err error) {
	lock, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	unlock, err := fsys.Lock(lock, lockFile)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrBusy, err)
	}
	release = func() {
		_ = fsys.RemoveDir(workDir) // the next run removes it, too
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

// take takes a snapshot, checks it, encrypts it and moves it to its final path. dir is
// the directory for its temporary files.
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

// fetch takes a snapshot of the database of this server's etcd member. It writes the
// snapshot to the file whose path is to.
func (o Options) fetch(ctx context.Context, to string) error {
	stream, err := o.Etcd.Snapshot(ctx)
	if err != nil {
		return fmt.Errorf("request a snapshot from etcd: %w", err)
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

// examine checks the decrypted snapshot file plain. It performs the trial restore in
// the directory trial, which it creates and removes. If no program can restore, it logs
// a warning.
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

// publish renames the file at the path from to the path to, and syncs the directory.
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
