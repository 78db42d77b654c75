package backup

import (
	"errors"
	"fmt"
	"syscall"
)

// Errors of snapshots, told apart with errors.Is.
var (
	// ErrDiskFull: the file system has no room for a snapshot.
	ErrDiskFull = errors.New("DiskFull")
	// ErrTruncated: a snapshot ends before its end.
	ErrTruncated = errors.New("Truncated")
	// ErrDigestMismatch: a snapshot is not what etcd sent.
	ErrDigestMismatch = errors.New("DigestMismatch")
	// ErrCorrupt: the database in a snapshot does not hold together.
	ErrCorrupt = errors.New("the database is corrupt")
	// ErrNoTool: nothing on this server can restore a snapshot.
	ErrNoTool = errors.New("the image of etcd has nothing to restore with")
	// ErrAbsent: a snapshot does not have what is looked for.
	ErrAbsent = errors.New("absent")
)

// diskError gives a write error its kind where the disk is at fault.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}
