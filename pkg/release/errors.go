package release

import (
	"errors"
	"fmt"
	"net/url"
	"syscall"
)

// Kind is a kind of failure in this package, for errors.Is. Failures of the network or of
// the host have no kind.
type Kind string

// Error returns the text of the kind.
func (k Kind) Error() string { return string(k) }

// The kinds of failures when a release is searched for, downloaded or checked.
const (
	// ErrNoRelease: the server returned the complete list, and no release in the list
	// counts. It is not returned if the list could not be read.
	ErrNoRelease Kind = "no release"
	// ErrTooLarge: a file, response or field exceeds its limit.
	ErrTooLarge Kind = "too large"
	// ErrTruncated: a file or response ended before its stated end.
	ErrTruncated Kind = "truncated"
	// ErrDigestMismatch: a file does not have the published digest.
	ErrDigestMismatch Kind = "digest mismatch"
	// ErrBadDigestFile: a digest file does not consist of the one line that sha256sum
	// prints for its package.
	ErrBadDigestFile Kind = "malformed digest file"
	// ErrDiskFull: the file system is full.
	ErrDiskFull Kind = "disk full"
	// ErrStalled: a server sent nothing for too long.
	ErrStalled Kind = "stalled"
	// ErrWrongPackage: a file is not a Debian package, or not the expected one.
	ErrWrongPackage Kind = "wrong package"
)

// diskError wraps err with ErrDiskFull if it means that the disk is full.
func diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// transportError removes the URL from err, an error of net/http. After a redirect, the
// URL contains a signature with which anybody could download the file.
func transportError(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
