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
	before, err := s.Fleet(ctx)
	if err != nil || len(before) != 0 {
		t.Errorf("nothing remembered: %v, %v", before, err)
	}
	const holder = "leader/sabakan-state-setter//1"
	g := storage.Guard{Holder: holder, HolderRev: put(t, s, holder, "boot-0"), Lost: storage.ErrNotLeader, LRN: -1}
	want := storage.Fleet{storage.FleetRounds: []byte(`{"a":1}`), storage.FleetBad: []byte(`{"b":2}`)}
	if err := s.PutFleet(ctx, g, before, want); err != nil {
		t.Fatal(err)
	}
	check := func(title string, want storage.Fleet) {
		t.Helper()
		if got, err := s.Fleet(ctx); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %s, %v, want %s", title, got, err, want)
		}
	}
	check("written", want)

	// What has not changed since it was read is not written again.
	next := storage.Fleet{storage.FleetRounds: []byte(`{"a":2}`), storage.FleetBad: want[storage.FleetBad]}
	put(t, s, storage.KeyFleet+storage.FleetBad, `{"of":"another"}`)
	if err := s.PutFleet(ctx, g, want, next); err != nil {
		t.Fatal(err)
	}
	next[storage.FleetBad] = []byte(`{"of":"another"}`)
	check("written again", next)

	g.HolderRev--
	if err := s.PutFleet(ctx, g, next, want); !errors.Is(err, storage.ErrNotLeader) {
		t.Errorf("another leader writes: %v", err)
	}
	check("after another leader", next)

	var v map[string]int
	if err := next.Decode(storage.FleetRounds, &v); err != nil || v["a"] != 2 {
		t.Errorf("decoded: %v, %v", v, err)
	}
	if err := next.Decode(storage.FleetReport, &v); err != nil || v["a"] != 2 {
		t.Errorf("a part that is missing: %v, %v", v, err)
	}
	bad := storage.MalformedKey{}
	if err := (storage.Fleet{storage.FleetBad: []byte("{")}).Decode(storage.FleetBad, &v); !errors.As(err, &bad) || bad.Key != "fleet/bad" {
		t.Errorf("garbage: %v", err)
	}
}
