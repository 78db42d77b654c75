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

// lockTimeout is how long lock waits before it fails. Another placemat process may hold
// the lock while it starts or ends the data centre.
const lockTimeout = 5 * time.Minute

// lock prevents other placemat processes from changing this data centre until release is
// called or this process exits. It waits for the lock up to lockTimeout.
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
		return nil, fmt.Errorf("another placemat has locked data centre %s: %w", c.Name, err)
	}
	return func() { held.Close() }, nil
}

func (c *Centre) lockFile() string { return c.path() + ".lock" }

// tryLock takes the lock of the file name without waiting. It also fails if the file was
// removed or replaced before it was locked, since a former holder may have removed it.
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

// forget removes the lock file, which this process must have locked, and also stateRoot
// if that is empty.
func (c *Centre) forget() error {
	if err := os.Remove(c.lockFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// This fails if another data centre has its state there.
	_ = os.Remove(stateRoot)
	return nil
}
