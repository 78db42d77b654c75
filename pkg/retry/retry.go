// Package retry repeats what another server, etcd or Vault prevents for a moment:
// one of them is restarted or has lost its power, and the others agree anew.
//
// It owns which errors pass.  It must not know what is repeated.
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

// pause is between two tries.
const pause = 200 * time.Millisecond

// Until calls f until it returns nil or ctx ends.  The error is then the cause
// of the end and the last one of f.
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

// Passing is Until for errors that MayPass; any other one ends it.  tell, which
// may be nil, hears of the first.
func Passing(ctx context.Context, tell func(error), f func() error) error {
	var final error
	err := Until(ctx, func() error {
		final = f()
		if final == nil || !MayPass(final) {
			return nil
		}
		if tell != nil && ctx.Err() == nil {
			tell(final)
			tell = nil
		}
		return final
	})
	if err != nil {
		return err
	}
	return final
}

// Dropped says that a member of etcd has dropped the request, which it does while
// etcd changes its leader. The answer has neither type nor code: its text is that
// of ErrProposalDropped in go.etcd.io/raft/v3.
func Dropped(err error) bool {
	s, ok := status.FromError(err)
	return ok && s.Code() == codes.Unknown && strings.HasSuffix(s.Message(), "raft proposal dropped")
}

// MayPass says whether err may be over soon: somebody does not answer, has no
// majority or leader just now, or has not heard yet of etcd's new users.  An error
// with a method MayPass says it itself.
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
	if coded := (interface{ Code() codes.Code })(nil); errors.As(err, &coded) { // etcd's own errors
		return coded.Code() == codes.Unavailable || errors.Is(err, rpctypes.ErrAuthOldRevision)
	}
	netErr := (*net.OpError)(nil)
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
