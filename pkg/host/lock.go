package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockInterval is the pause between two attempts to get a lock that another
// process holds: the kernel has no way to wait for one with a deadline.
const lockInterval = 100 * time.Millisecond

// Lock takes the exclusive lock of the file p, which it makes if needed, and
// blocks until it has it or ctx ends. The lock ends with release or with this
// process, whatever ends that.
func (f FS) Lock(ctx context.Context, p string) (release func(), err error) {
	name := f.Path(p)
	file, err := openLock(name, 0600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	err = tryUntil(ctx, func() error {
		return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	})
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() { file.Close() }, nil
}

// LockIfPresent is Lock for a caller that must change nothing on the disk: while
// the file is not there, nobody holds the lock, and it does nothing.
func (f FS) LockIfPresent(ctx context.Context, p string) (release func(), err error) {
	if _, err := f.Stat(p); errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil
	}
	return f.Lock(ctx, p)
}

func openLock(name string, mode os.FileMode) (*os.File, error) {
	if err := makeDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE, mode)
}

// fcntlLock takes the kind of lock that dpkg and apt take. It belongs to the
// open file, not to the process as theirs does, so that it also holds within
// this process.
func fcntlLock(file *os.File) error {
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
}

// errHeld is returned by tryUntil at the end of its context.
var errHeld = errors.New("held by another process")

// fcntlHolder returns the process that holds a lock of apt's or dpkg's kind on the
// file name, such as "apt-get (pid 4711)"; "" if none does, or only a lock that
// belongs to no process, as this package takes it.
func fcntlHolder(name string) string {
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	held := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if unix.FcntlFlock(file.Fd(), unix.F_GETLK, &held) != nil || held.Type == unix.F_UNLCK || held.Pid <= 0 {
		return ""
	}
	program, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", held.Pid))
	if err != nil {
		return fmt.Sprintf("pid %d", held.Pid)
	}
	return fmt.Sprintf("%s (pid %d)", bytes.TrimSpace(program), held.Pid)
}

// tryUntil calls lock until it succeeds, fails otherwise than because of
// another holder, or ctx ends.
func tryUntil(ctx context.Context, lock func() error) error {
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for {
		err := lock()
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errHeld, context.Cause(ctx))
		}
	}
}
