package setup

import (
	"context"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// busyKV is an etcd that fails its first writes because it has no leader.
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
	client := clientv3.NewCtxClient(t.Context())
	client.KV = kv
	r.change(func(s *state) { s.etcd = client })
	if err := r.putFinished(t.Context(), stageDaemons); err != nil {
		t.Fatal(err)
	}
	if got := kv.put[finishKey(1)]; got != "daemons" {
		t.Errorf("recorded %q", got)
	}
}
