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

// lockInterval is the pause between two attempts to take a lock that another process
// holds. It is needed because the kernel cannot wait for a lock with a deadline.
const lockInterval = 100 * time.Millisecond

// Lock takes an exclusive lock of the file p, and blocks until it has the lock or ctx
// ends. It creates p if needed. The lock is held until release is called or this process
// ends.
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

// LockIfPresent is Lock for a caller that must not change the disk. If the file p does
// not exist, no process can hold its lock: LockIfPresent then locks nothing, and release
// does nothing.
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

// fcntlLock takes a lock that excludes dpkg and apt. Unlike the locks of these
// programs, it belongs to the open file and not to the process, so that it also
// excludes other goroutines of this process.
func fcntlLock(file *os.File) error {
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart})
}

// errHeld reports that ctx has ended while another process held the lock.
var errHeld = errors.New("held by another process")

// fcntlHolder returns the process that holds a lock on the file name as dpkg takes it,
// such as "apt-get (pid 4711)". It returns "" if no process holds such a lock. Locks of
// this package belong to an open file and are not reported.
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

// tryUntil calls lock until lock succeeds or ctx ends. It returns an error of lock at
// once unless the error means that another process holds the lock.
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
