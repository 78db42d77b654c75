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

// The errors of commands that refuse to change the data centre.
var (
	// ErrRunActive reports that an update is running.
	ErrRunActive = errors.New("RunActive")
	// ErrQuorumAtRisk reports that too few boot servers would have a live worker.
	ErrQuorumAtRisk = errors.New("QuorumAtRisk")
)

// etcdTimeout is how long a command waits for its requests to etcd before it fails. It
// is long enough for the election of a new leader.
const etcdTimeout = 10 * time.Second

// withStorage calls f with a client of etcd, and closes the client when f returns. f
// must set deadlines for its requests.
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

// request calls f with a client of etcd and a context that ends after etcdTimeout.
func (env *Env) request(ctx context.Context, f func(context.Context, *storage.Storage) error) error {
	return env.withStorage(func(s *storage.Storage) error {
		return env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) error { return f(ctx, s) })
	})
}

// reach returns nil if etcd answers. Commands that ask for a password or take minutes
// call it first.
func (env *Env) reach(ctx context.Context) error {
	return env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		return s.Reach(ctx)
	})
}

// explain adds a hint to err if it is an error of etcd and has no hint yet.
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

// refused reports whether err means that etcd has refused this server: the server's user
// does not exist or lacks the permission.
func refused(err error) bool {
	return errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrUserNotFound) || errors.Is(err, rpctypes.ErrAuthFailed)
}

// grpcCode returns the gRPC code of err, which may have one of two types of etcd's
// client. It returns OK if err has no code.
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
