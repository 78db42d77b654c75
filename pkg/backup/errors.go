package backup

import (
	"errors"
	"fmt"
	"syscall"
)

// These errors classify the errors of this package.
var (
	// ErrDiskFull reports that the file system has no space for a snapshot.
	ErrDiskFull = errors.New("DiskFull")
	// ErrTruncated reports that the end of a snapshot is missing.
	ErrTruncated = errors.New("Truncated")
	// ErrDigestMismatch reports that a snapshot was changed after etcd sent it.
	ErrDigestMismatch = errors.New("DigestMismatch")
	// ErrCorrupt reports that the database in a snapshot is damaged.
	ErrCorrupt = errors.New("the database is corrupt")
	// ErrNoTool reports that no program on this server can restore a snapshot.
	ErrNoTool = errors.New("the image of etcd has no program that restores a snapshot")
	// ErrAbsent reports that a snapshot does not contain a key.
	ErrAbsent = errors.New("absent")
)

// diskError wraps err in ErrDiskFull if err means that a disk or a quota is full. It
// returns any other error unchanged.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}
