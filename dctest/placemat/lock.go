package placemat

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockTimeout bounds the wait for another placemat at the same data centre: it
// may be starting it.
const lockTimeout = 5 * time.Minute

// lock keeps other placemats away from this data centre until release, or the
// end of this process.
func (c *Centre) lock(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	var held *os.File
	err = await(ctx, 100*time.Millisecond, func(context.Context) (string, error) {
		var err error
		held, err = tryLock(c.lockFile())
		return "", err
	})
	if err != nil {
		return nil, fmt.Errorf("another placemat works on data centre %s: %w", c.Name, err)
	}
	return func() { held.Close() }, nil
}

func (c *Centre) lockFile() string { return c.path() + ".lock" }

// tryLock takes the lock of a file that its holder may remove: a lock of a file
// that is not the one of that name any more counts for nothing.
func tryLock(name string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	if !isFile(f, name) {
		f.Close()
		return nil, fs.ErrNotExist
	}
	return f, nil
}

func isFile(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(mine, there)
}

// forget removes the lock, which we hold, and the directory of all states if
// this was the last one.
func (c *Centre) forget() error {
	if err := os.Remove(c.lockFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// It is not empty as long as another data centre is there.
	_ = os.Remove(stateRoot)
	return nil
}
