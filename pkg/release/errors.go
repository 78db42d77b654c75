package release

import (
	"errors"
	"fmt"
	"net/url"
	"syscall"
)

// Kind is a kind of failure that a caller can test for with errors.Is. Failures without
// a kind are those of the network or the host.
type Kind string

// Error returns the text of the kind, which is the end of an error's path.
func (k Kind) Error() string { return string(k) }

// The kinds of failures in finding, fetching and checking a release.
const (
	// ErrNoRelease: the server answered completely and has no release that counts. It
	// is never returned for another failure.
	ErrNoRelease Kind = "no release"
	// ErrTooLarge: a file, answer or field exceeds its limit.
	ErrTooLarge Kind = "too large"
	// ErrTruncated: a file or answer ended before its announced end.
	ErrTruncated Kind = "truncated"
	// ErrDigestMismatch: a file is not the released one.
	ErrDigestMismatch Kind = "digest mismatch"
	// ErrBadDigestFile: a digest file is not the one line of sha256sum for its file.
	ErrBadDigestFile Kind = "malformed digest file"
	// ErrDiskFull: the file system is full.
	ErrDiskFull Kind = "disk full"
	// ErrStalled: a server sent nothing for too long.
	ErrStalled Kind = "stalled"
	// ErrWrongPackage: a file is not a Debian package, or is another package.
	ErrWrongPackage Kind = "wrong package"
)

// diskError wraps a write error with ErrDiskFull if the disk is full.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// transportError drops the URL from an error of net/http: after a redirect the URL
// contains a signature that gives everybody access to the file.
func transportError(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
