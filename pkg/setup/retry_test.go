package setup

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

func TestAStageIsTriedAgainWhileSomebodyIsAway(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	n := 0
	err := r.act(t.Context(), checks, stage{name: "reissue", deadline: time.Minute}, func(context.Context, *run) error {
		if n++; n < 3 {
			return &api.ResponseError{StatusCode: 500, Errors: []string{"failed to\ndelete"}}
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d times, %v", n, err)
	}
	out := r.Out.(*bytes.Buffer).String()
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "tries again: Vault answered 500: failed to delete") {
		t.Errorf("it said %q", out)
	}
}

func TestAStageThatFailsForGoodIsNotTriedAgain(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	n := 0
	err := r.act(t.Context(), checks, stage{name: "certificates", deadline: time.Minute}, func(context.Context, *run) error {
		n++
		return pki.ErrCSRRefused
	})
	if !errors.Is(err, pki.ErrCSRRefused) || n != 1 {
		t.Errorf("%d times, %v", n, err)
	}
}

func TestAFindingOfACheckIsNotTriedAgain(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	inUse := &net.OpError{Op: "listen", Err: errors.New("address already in use")}
	n := 0
	err := r.act(t.Context(), 0, stage{name: "preflight", deadline: time.Minute}, func(context.Context, *run) error {
		n++
		return inUse
	})
	if !errors.Is(err, inUse) || n != 1 {
		t.Errorf("%d times, %v", n, err)
	}
}

func TestAStageEndsAtItsDeadlineWithTheReason(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	err := r.act(t.Context(), checks, stage{name: "reissue", deadline: 300 * time.Millisecond}, func(context.Context, *run) error {
		return rpctypes.ErrNoLeader
	})
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, rpctypes.ErrNoLeader) || !strings.Contains(err.Error(), "reissue: took longer than") {
		t.Errorf("error %v", err)
	}
}

// busyKV is an etcd that has no leader for its first writes.
type busyKV struct {
	clientv3.KV
	fails int
	put   map[string]string
}

func (b *busyKV) Put(_ context.Context, key, val string, _ ...clientv3.OpOption) (*clientv3.PutResponse, error) {
	if b.fails > 0 {
		b.fails--
		return nil, rpctypes.ErrTimeout
	}
	b.put[key] = val
	return &clientv3.PutResponse{}, nil
}

func TestAStageIsRecordedEvenIfEtcdElectsALeaderJustThen(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	kv := &busyKV{fails: 2, put: map[string]string{}}
	r.etcd = clientv3.NewCtxClient(t.Context())
	r.etcd.KV = kv
	if err := r.putFinished(t.Context(), "daemons"); err != nil {
		t.Fatal(err)
	}
	if got := kv.put[finishKey(1)]; got != "daemons" {
		t.Errorf("recorded %q", got)
	}
}
