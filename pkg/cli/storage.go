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

// The errors of commands that refuse to change anything.
var (
	// ErrRunActive: an update is running.
	ErrRunActive = errors.New("RunActive")
	// ErrQuorumAtRisk: too few boot servers would remain alive.
	ErrQuorumAtRisk = errors.New("QuorumAtRisk")
)

// etcdTimeout is the maximum duration of a command's requests to etcd: long enough for
// the election of a new leader.
const etcdTimeout = 10 * time.Second

// withStorage calls f with a client of etcd. f has to set deadlines for its requests.
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

// request is withStorage with a deadline of etcdTimeout, for commands that end quickly.
func (env *Env) request(ctx context.Context, f func(context.Context, *storage.Storage) error) error {
	return env.withStorage(func(s *storage.Storage) error {
		return env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) error { return f(ctx, s) })
	})
}

// reach returns nil after etcd has answered. Commands that ask for a password or take
// minutes call it first.
func (env *Env) reach(ctx context.Context) error {
	return env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		return s.Reach(ctx)
	})
}

// explain adds a hint to an error of etcd, unless it has one.
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
		return hint(fmt.Errorf("etcd has dropped the request, probably while it elected a leader: %w", err), "try again")
	case errors.Is(err, rpctypes.ErrNoSpace):
		return hint(err, "etcd is full: compact and defragment it, then etcdctl alarm disarm")
	case refused(err):
		return hint(err, "if this server has left the data centre: neco reset; otherwise the user of the certificate in config.yml lacks the permission")
	}
	return err
}

// refused reports whether etcd has refused this server: its user does not exist, or
// lacks the permission.
func refused(err error) bool {
	return errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrUserNotFound) || errors.Is(err, rpctypes.ErrAuthFailed)
}

// grpcCode returns the gRPC code of an error of etcd's client, which has two types of
// errors; OK if err has none.
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
