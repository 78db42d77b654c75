// Package retry repeats requests that fail temporarily because a server, etcd or Vault
// restarts, loses power or elects a leader.
//
// It owns the decision which errors are temporary. It must not know which requests are
// repeated.
package retry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pause is the time between two attempts.
const pause = 200 * time.Millisecond

// Do calls f until f returns nil or an error made by [backoff.Permanent], or until ctx
// ends. b sets the pauses between calls. notify, which may be nil, is called with each
// error after which f is called again.
//
// Do returns the error that a permanent error wraps. If ctx ends, it returns the cause
// of that end joined with the last error of f.
func Do(ctx context.Context, b backoff.BackOff, notify func(error), f func() error) error {
	var last error
	options := []backoff.RetryOption{backoff.WithBackOff(b), backoff.WithMaxElapsedTime(0)}
	if notify != nil {
		options = append(options, backoff.WithNotify(func(err error, _ time.Duration) { notify(err) }))
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = f()
		return struct{}{}, last
	}, options...)
	if permanent := (*backoff.PermanentError)(nil); err != nil && !errors.As(last, &permanent) {
		return errors.Join(err, last)
	}
	return err
}

// Until does the same as Do, with a constant pause and without notify.
func Until(ctx context.Context, f func() error) error {
	return Do(ctx, backoff.NewConstantBackOff(pause), nil, f)
}

// Passing does the same as Until, but returns an error at once if MayPass is false for
// it. notify, which may be nil, is called with the first temporary error.
func Passing(ctx context.Context, notify func(error), f func() error) error {
	return Until(ctx, func() error {
		err := f()
		switch {
		case err == nil:
			return nil
		case !MayPass(err):
			return backoff.Permanent(err)
		case notify != nil && ctx.Err() == nil:
			notify(err)
			notify = nil
		}
		return err
	})
}

// Dropped reports whether err means that a member of etcd has dropped the request, as it
// does while etcd changes its leader. Such an error has no type or code of its own, only
// the text of ErrProposalDropped in go.etcd.io/raft/v3.
func Dropped(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.Unknown && strings.HasSuffix(s.Message(), "raft proposal dropped")
}

// MayPass reports whether another attempt may succeed after err: a server does not
// answer or reports an internal error, has no majority or leader at the moment, or does
// not know newly created users of etcd yet. If err has a method MayPass, MayPass
// returns the result of that method.
func MayPass(err error) bool {
	if own := (interface{ MayPass() bool })(nil); errors.As(err, &own) {
		return own.MayPass()
	}
	if answer := (*api.ResponseError)(nil); errors.As(err, &answer) {
		return answer.StatusCode >= http.StatusInternalServerError
	}
	if s, ok := status.FromError(err); ok {
		switch s.Code() {
		case codes.Unavailable, codes.DeadlineExceeded:
			return true
		}
	}
	if Dropped(err) {
		return true
	}
	if coded := (interface{ Code() codes.Code })(nil); errors.As(err, &coded) { // errors of etcd
		return coded.Code() == codes.Unavailable || errors.Is(err, rpctypes.ErrAuthOldRevision)
	}
	netErr := (*net.OpError)(nil)
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// Final marks err as an error after which another attempt cannot succeed: MayPass is false
// for it. It returns nil if err is nil.
func Final(err error) error {
	if err == nil {
		return nil
	}
	return final{err}
}

// final is an error marked by Final.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// MayPass implements the interface that MayPass looks for.
func (final) MayPass() bool { return false }
