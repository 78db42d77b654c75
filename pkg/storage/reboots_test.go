package storage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheRestartOfManyMachinesIsKeptOnlyByTheHolder(t *testing.T) {
	s := newStorage(t)
	ctx := t.Context()
	if r, err := s.Reboots(ctx); err != nil || r.Plan != nil || r.Progress != nil {
		t.Errorf("nothing kept: %+v, %v", r, err)
	}
	if who, err := s.RebootsHolder(ctx); err != nil || who != "" {
		t.Errorf("nobody: %q, %v", who, err)
	}
	const holder = "leader/reboots//1"
	g := storage.Guard{Holder: holder, HolderRev: put(t, s, holder, "alice@boot-0"), Lost: storage.ErrLeaseLost, LRN: -1}
	if who, err := s.RebootsHolder(ctx); err != nil || who != "alice@boot-0" {
		t.Errorf("%q, %v", who, err)
	}
	check := func(plan, progress string) {
		t.Helper()
		if r, err := s.Reboots(ctx); err != nil || string(r.Plan) != plan || string(r.Progress) != progress {
			t.Errorf("%s, %s, %v", r.Plan, r.Progress, err)
		}
	}
	if err := s.PutReboots(ctx, g, map[string]int{"a": 1}, map[string]int{"b": 1}); err != nil {
		t.Fatal(err)
	}
	check(`{"a":1}`, `{"b":1}`)
	if err := s.PutReboots(ctx, g, nil, map[string]int{"b": 2}); err != nil {
		t.Fatal(err)
	}
	check(`{"a":1}`, `{"b":2}`)

	// The size of a plan for 10,000 machines with long serial numbers, and of one that is too large.
	long := make([]string, 10_000)
	for i := range long {
		long[i] = strings.Repeat("f", 110)
	}
	if err := s.PutReboots(ctx, g, long, long[:2000]); err != nil {
		t.Error(err)
	}
	if err := s.PutReboots(ctx, g, append(long, long...), nil); err == nil || !strings.Contains(err.Error(), "too many machines") {
		t.Errorf("too large: %v", err)
	}

	other := g
	other.HolderRev--
	if err := s.PutReboots(ctx, other, nil, 1); !errors.Is(err, storage.ErrLeaseLost) {
		t.Errorf("another holder writes: %v", err)
	}
	if err := s.ForgetReboots(ctx, other); !errors.Is(err, storage.ErrLeaseLost) {
		t.Errorf("another holder deletes: %v", err)
	}
	if err := s.ForgetReboots(ctx, g); err != nil {
		t.Error(err)
	}
	check("", "")
	var v any
	if bad := (storage.MalformedKey{}); !errors.As(storage.Reboots{Plan: []byte("{")}.Decode(&v, &v), &bad) || bad.Key != "reboots/plan" {
		t.Errorf("garbage: %v", bad)
	}
}
