package release

import (
	"errors"
	"fmt"
	"net/url"
	"syscall"
)

// Kind is a kind of failure that a caller may want to tell from others with
// errors.Is. Failures without a kind are those of the network or the host.
type Kind string

// Error returns the kind's text, which ends an error's path.
func (k Kind) Error() string { return string(k) }

// The kinds of failures in finding, fetching and checking a release.
const (
	// ErrNoRelease says that the server answered and has no release that
	// counts. No other failure is ever reported like this.
	ErrNoRelease Kind = "no release"
	// ErrTooLarge says that something is larger than the limit set for it.
	ErrTooLarge Kind = "too large"
	// ErrTruncated says that something ended before its announced end.
	ErrTruncated Kind = "truncated"
	// ErrDigestMismatch says that a file is not the one that was released.
	ErrDigestMismatch Kind = "digest mismatch"
	// ErrBadDigestFile says that a digest file does not hold the one line of
	// sha256sum for the file beside it.
	ErrBadDigestFile Kind = "malformed digest file"
	// ErrDiskFull says that the file system has no room.
	ErrDiskFull Kind = "disk full"
	// ErrStalled says that a peer sent nothing for too long.
	ErrStalled Kind = "stalled"
	// ErrWrongPackage says that a file is no Debian package, or another one.
	ErrWrongPackage Kind = "wrong package"
)

// diskError gives a write error its kind where the disk is at fault.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// transportError drops the address that net/http puts into its errors: after
// a redirect it holds a signature that opens the file to everybody.
func transportError(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
