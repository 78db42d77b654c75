package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheFleetIsRememberedOnlyByTheLeader(t *testing.T) {
	etcd := cluster.NewClient(t, cluster.Prefix())
	s, ctx := storage.New(etcd), t.Context()
	if f, err := s.Fleet(ctx); err != nil || !cmp.Equal(f, storage.Fleet{}) {
		t.Errorf("nothing remembered: %+v, %v", f, err)
	}
	at := time.Date(2026, 12, 1, 1, 2, 3, 0, time.UTC)
	want := storage.Fleet{Unhealthy: map[string]time.Time{"a": at}, Worse: []storage.WorseMachine{{Serial: "b", Rack: 3, At: at}}}
	res, err := etcd.Put(ctx, "leader/sabakan-state-setter//1", "boot-0")
	if err != nil {
		t.Fatal(err)
	}
	g := storage.Guard{Holder: "leader/sabakan-state-setter//1", HolderRev: res.Header.Revision, Lost: storage.ErrNotLeader, LRN: -1}
	if err := s.ReplaceFleet(ctx, g, storage.Fleet{}, want); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Fleet(ctx); err != nil || !cmp.Equal(f, want) {
		t.Errorf("%+v, %v, want %+v", f, err, want)
	}
	// Nothing is written if nothing has changed.
	if err := s.ReplaceFleet(ctx, g, want, want); err != nil {
		t.Fatal(err)
	}
	if res, err := etcd.Get(ctx, storage.KeyFleet); err != nil || res.Kvs[0].Version != 1 {
		t.Errorf("written again: %v, %v", res, err)
	}
	g.HolderRev--
	for _, next := range []storage.Fleet{want, {}} {
		if err := s.ReplaceFleet(ctx, g, want, next); !errors.Is(err, storage.ErrNotLeader) {
			t.Errorf("another leader writes %+v: %v", next, err)
		}
	}
	if _, err := etcd.Put(ctx, storage.KeyFleet, "{"); err != nil {
		t.Fatal(err)
	}
	bad := storage.MalformedKey{}
	if _, err := s.Fleet(ctx); !errors.As(err, &bad) || bad.Key != storage.KeyFleet {
		t.Errorf("garbage: %v", err)
	}
}
