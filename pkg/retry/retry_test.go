package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco/pkg/retry"
)

func TestWhatPasses(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"Vault is sealed":         {&api.ResponseError{StatusCode: 503}, true},
		"Vault has lost its etcd": {&api.ResponseError{StatusCode: 500}, true},
		"Vault says no":           {&api.ResponseError{StatusCode: 403}, false},
		"Vault does not want it":  {&api.ResponseError{StatusCode: 400}, false},
		"etcd is away":            {status.Error(codes.Unavailable, "connection refused"), true},
		"etcd has no leader":      {rpctypes.ErrNoLeader, true},
		"etcd changes its leader": {status.Error(codes.Unknown, "raft proposal dropped"), true},
		"etcd fails":              {status.Error(codes.Unknown, "disk failure"), false},
		"etcd has new users":      {rpctypes.ErrAuthOldRevision, true},
		"etcd says no":            {rpctypes.ErrPermissionDenied, false},
		"nobody listens":          {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		"it took too long":        {context.DeadlineExceeded, true},
		"it was cut off":          {io.ErrUnexpectedEOF, true},
		"it says so itself":       {passing(true), true},
		"it says it does not":     {errors.Join(passing(false), io.EOF), false},
		"the disk":                {errors.New("no space left on device"), false},
	} {
		if got := retry.MayPass(fmt.Errorf("stage: %w", c.err)); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

type passing bool

func (passing) Error() string   { return "an error" }
func (p passing) MayPass() bool { return bool(p) }

func TestOnlyWhatMayPassIsTriedAgain(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		ends  error // after two that pass
		told  int
		calls int
	}{
		"done":     {nil, 1, 3},
		"for good": {refused, 1, 3},
	} {
		told, calls := 0, 0
		err := retry.Passing(t.Context(), func(error) { told++ }, func() error {
			if calls++; calls < 3 {
				return rpctypes.ErrNoLeader
			}
			return c.ends
		})
		if !errors.Is(err, c.ends) || told != c.told || calls != c.calls {
			t.Errorf("%s: %v after %d calls, told %d times", name, err, calls, told)
		}
	}
}

func TestItEndsWithTheReasonAndTheLastError(t *testing.T) {
	late := errors.New("it took longer than that")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, late)
	defer cancel()
	last := errors.New("not yet")
	if err := retry.Until(ctx, func() error { return last }); !errors.Is(err, late) || !errors.Is(err, last) {
		t.Errorf("got %v", err)
	}
}

func TestAFinalErrorDoesNotPass(t *testing.T) {
	err := retry.Final(fmt.Errorf("stage: %w", context.DeadlineExceeded))
	if retry.MayPass(err) || !errors.Is(err, context.DeadlineExceeded) || retry.Final(nil) != nil {
		t.Errorf("got %v", err)
	}
}
