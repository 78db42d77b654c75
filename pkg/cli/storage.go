package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
)

// The reasons for which a command refuses to change anything.
var (
	// ErrRunActive: an update runs.
	ErrRunActive = errors.New("RunActive")
	// ErrQuorumAtRisk: too few boot servers would be left alive.
	ErrQuorumAtRisk = errors.New("QuorumAtRisk")
)

// etcdTimeout bounds what a command asks of etcd: long enough for the election
// of a new leader.
const etcdTimeout = 10 * time.Second

// withStorage opens etcd for f, which has to bound its requests itself.
func (env *Env) withStorage(f func(*storage.Storage) error) error {
	s, err := env.Etcd(env.FS)
	if errors.Is(err, fs.ErrPermission) {
		return hint(err, "only root may read the keys of this boot server; try again with sudo")
	}
	if err != nil {
		return explain(err)
	}
	defer s.Close()
	return explain(f(s))
}

// request is withStorage for commands that take one moment.
func (env *Env) request(ctx context.Context, f func(context.Context, *storage.Storage) error) error {
	return env.withStorage(func(s *storage.Storage) error {
		return guarded(ctx, s, etcdTimeout, func(ctx context.Context) error { return f(ctx, s) })
	})
}

// reach returns nil when etcd has answered. Commands that ask for a password or take
// minutes call it first.
func (env *Env) reach(ctx context.Context) error {
	return env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		return s.Reach(ctx)
	})
}

// explain adds what to do about an error of etcd, unless somebody has.
func explain(err error) error {
	var hinted *Hint
	var unreached *unreachedError
	switch {
	case err == nil, errors.As(err, &hinted):
		return err
	case errors.As(err, &unreached):
		return hint(err, "%s", unreached.hint())
	case errors.Is(err, storage.ErrSuperseded):
		return hint(err, "somebody else changed it at the same moment; look at neco status and try again")
	case errors.Is(err, context.DeadlineExceeded), grpcCode(err) == codes.Unavailable, grpcCode(err) == codes.DeadlineExceeded:
		return hint(fmt.Errorf("etcd does not answer: %w", err),
			"no majority of etcd answers here; try another boot server, and see systemctl status etcd-container on all of them")
	case retry.Dropped(err):
		return hint(fmt.Errorf("etcd has dropped the request, as it does while it changes its leader: %w", err), "try again")
	case errors.Is(err, rpctypes.ErrNoSpace):
		return hint(err, "etcd is full: compact and defragment it, then etcdctl alarm disarm")
	case refused(err):
		return hint(err, "if this server has left the data centre: neco reset; else the certificate in config.yml is of a user that may not do this")
	}
	return err
}

// refused says that etcd does not know this server, or not any more, or does not
// let it do what was asked.
func refused(err error) bool {
	return errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrUserNotFound) || errors.Is(err, rpctypes.ErrAuthFailed)
}

// grpcCode is the code of an error of etcd, in either of the shapes that its
// client gives it; OK: it is none.
func grpcCode(err error) codes.Code {
	if e := (rpctypes.EtcdError{}); errors.As(err, &e) {
		return e.Code()
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if s, ok := status.FromError(err); ok {
			return s.Code()
		}
	}
	return codes.OK
}
