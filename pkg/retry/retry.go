// Package retry repeats requests that fail temporarily because a server, etcd or Vault
// restarts, loses power or elects a leader.
//
// It owns which errors are temporary. It must not know what is repeated.
package retry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco"
)

// pause is the pause between two attempts.
const pause = 200 * time.Millisecond

// Until calls f until it returns nil or ctx ends. The error is then the cause of ctx's
// end, joined with the last error of f.
func Until(ctx context.Context, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		if neco.SleepContext(ctx, pause) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// Passing is Until for errors for which MayPass is true; it returns any other error at
// once. notify, which may be nil, receives the first temporary error.
func Passing(ctx context.Context, notify func(error), f func() error) error {
	var final error
	err := Until(ctx, func() error {
		final = f()
		if final == nil || !MayPass(final) {
			return nil
		}
		if notify != nil && ctx.Err() == nil {
			notify(final)
			notify = nil
		}
		return final
	})
	if err != nil {
		return err
	}
	return final
}

// Dropped reports whether err is a request that a member of etcd has dropped, as it
// does while etcd changes its leader. Such an error has neither a type nor a code, only
// the text of ErrProposalDropped in go.etcd.io/raft/v3.
func Dropped(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.Unknown && strings.HasSuffix(s.Message(), "raft proposal dropped")
}

// MayPass reports whether err is temporary: a server does not answer, has no majority
// or leader at the moment, or has not received new users of etcd yet. For an error with
// a method MayPass it returns the method's result.
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
