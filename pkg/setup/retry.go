package setup

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/vault"
)

// pause is between two tries of what needs other servers.
const pause = 200 * time.Millisecond

// retry calls f until it returns nil or ctx ends; the error is the last one.
func retry(ctx context.Context, f func() error) error {
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

// act does a part of stage n, by its deadline.  Behind the checks it is tried
// again until then: another server may lose its power just now.
func (r *run) act(ctx context.Context, n int, s stage, f func(ctx context.Context, r *run) error) error {
	ctx, cancel := withDeadline(ctx, s.deadline, s.name)
	defer cancel()
	do := func() error { return f(ctx, r) }
	if n < checks {
		return do()
	}
	return r.persist(ctx, s.name, do)
}

// persist does f, which needs etcd, Vault or the leader, again until it is done
// or ctx ends: they may be away for a moment.  What would fail in the same way
// again is not tried again.
func (r *run) persist(ctx context.Context, stage string, f func() error) error {
	told := false
	var final error
	err := retry(ctx, func() error {
		final = f()
		if final == nil || !passing(final) {
			return nil
		}
		if !told && ctx.Err() == nil {
			r.say(stage, "tries again: %s", vault.Text(final))
			told = true
		}
		return final
	})
	if err != nil {
		return err
	}
	return final
}

// passing says whether err may be over soon: somebody does not answer, has no
// majority or leader just now, or has not heard yet of etcd's new users.
func passing(err error) bool {
	if answer := (*api.ResponseError)(nil); errors.As(err, &answer) {
		return answer.StatusCode >= http.StatusInternalServerError
	}
	if s, ok := status.FromError(err); ok {
		switch s.Code() {
		case codes.Unavailable, codes.DeadlineExceeded:
			return true
		}
	}
	if coded := (interface{ Code() codes.Code })(nil); errors.As(err, &coded) { // etcd's own errors
		return coded.Code() == codes.Unavailable || errors.Is(err, rpctypes.ErrAuthOldRevision)
	}
	netErr := (*net.OpError)(nil)
	return errors.As(err, &netErr) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
