package storage_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheFleetIsRememberedOnlyByTheLeader(t *testing.T) {
	s := newStorage(t)
	ctx := t.Context()
	var got map[string]int
	if err := s.Fleet(ctx, &got); err != nil || got != nil {
		t.Errorf("nothing remembered: %v, %v", got, err)
	}
	const holder = "leader/sabakan-state-setter//1"
	g := storage.Guard{Holder: holder, HolderRev: put(t, s, holder, "boot-0"), Lost: storage.ErrNotLeader, LRN: -1}
	want := map[string]int{"a": 1}
	if err := s.PutFleet(ctx, g, want); err != nil {
		t.Fatal(err)
	}
	if err := s.Fleet(ctx, &got); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	g.HolderRev--
	if err := s.PutFleet(ctx, g, map[string]int{}); !errors.Is(err, storage.ErrNotLeader) {
		t.Errorf("another leader writes: %v", err)
	}
	if err := s.Fleet(ctx, &got); err != nil || !cmp.Equal(got, want) {
		t.Errorf("then %v, %v, want %v", got, err, want)
	}
	put(t, s, storage.KeyFleet, "{")
	bad := storage.MalformedKey{}
	if err := s.Fleet(ctx, &got); !errors.As(err, &bad) || bad.Key != storage.KeyFleet {
		t.Errorf("garbage: %v", err)
	}
}
