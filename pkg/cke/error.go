package cke

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"syscall"

	"github.com/cybozu-go/neco/internal/printable"
)

// maxErrorText is how many bytes of the standard error of ckecli are kept.
const maxErrorText = 64 << 10

// ErrNotFound is returned if CKE has no such object, for example no template yet.
var ErrNotFound = errors.New("not found")

// ErrMissing is returned if ckecli is not installed. [Install] is the command that installs
// it.
var ErrMissing = errors.New("is missing")

// Install is the command that installs ckecli on a boot server. The operator replaces TAG by
// the tag of CKE's image.
const Install = "docker run --rm -u root:root --entrypoint= -v /usr/bin:/host quay.io/cybozu/cke:TAG /usr/local/cke/install-tools"

// Error is a failed call of ckecli.
type Error struct {
	// Op is the command of ckecli, without its arguments.
	Op string
	// Code is the exit code; 0 if ckecli succeeded, but its output is invalid; -1 if it
	// was not started or was killed.
	Code int
	// Text is the standard error of ckecli on one line.
	Text string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("ckecli %s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("ckecli %s: %s (%v)", e.Op, e.Text, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is implements the interface of package errors.
func (e *Error) Is(target error) bool {
	return target == ErrNotFound && e.Code > 0 && strings.Contains(e.Text, "not found")
}

// MayPass implements the interface of package retry: it reports whether ckecli did not
// reach etcd, took too long, was killed, or is being replaced at the moment.
func (e *Error) MayPass() bool {
	if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, syscall.ETXTBSY) {
		return true
	}
	if exit := (*exec.ExitError)(nil); errors.As(e.Err, &exit) && !exit.Exited() {
		return true
	}
	for _, text := range etcdAway {
		if strings.Contains(e.Text, text) {
			return true
		}
	}
	return false
}

// etcdAway are texts that etcd's client reports while a member does not answer or etcd
// has no leader. ckecli prints these texts, and has the same exit code for all
// failures.
var etcdAway = [...]string{
	"context deadline exceeded", "code = DeadlineExceeded", "code = Unavailable",
	"connection refused", "connection reset", "transport is closing", "i/o timeout", "no route to host",
	"etcdserver: request timed out", "etcdserver: no leader", "etcdserver: leader changed", "etcdserver: too many requests",
	"etcdserver: server stopped", "raft proposal dropped", "no available endpoints",
}

// failure returns the error of a call of op, a command of ckecli, that failed with err
// and printed stderr.
func (c Ckecli) failure(op, stderr string, err error) error {
	e := &Error{Op: op, Code: -1, Text: printable.Line(stderr), Err: err}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		e.Code = exit.ExitCode()
	}
	if errors.Is(err, fs.ErrNotExist) {
		e.Err = fmt.Errorf("%s %w: %w", c.Program, ErrMissing, err)
	}
	return e
}
