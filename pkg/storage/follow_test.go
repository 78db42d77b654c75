package storage_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

const followDeadline = 30 * time.Second

// equalSnapshots compares what two snapshots say, not when they were taken.
var equalSnapshots = cmp.Options{
	cmpopts.IgnoreUnexported(storage.Snapshot{}),
	cmpopts.IgnoreFields(update.State{}, "Revision"),
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b error) bool {
		return errors.Is(a, b) || a != nil && b != nil && a.Error() == b.Error()
	}),
}

func TestAFollowerSeesWhatAReaderSees(t *testing.T) {
	keys := map[string][]string{
		"status/current":            {`{"version":"2026.11.21-1","servers":[0,1],"started_at":"2026-11-21T09:00:00Z"}`, "{"},
		"status/bootservers/0":      {`{"version":"2026.11.21-1","step":1,"cond":1}`, `{"version":"2026.11.21-1","step":2,"cond":1}`, "x"},
		"status/bootservers/10":     {`{"version":"2026.11.21-1","step":1,"cond":1}`},
		"info/bootservers/10":       {""},
		"info/bootservers/9":        {""},
		"info/bootservers/x":        {""},
		"info/neco-release":         {"2026.11.21-1", "2026.11.21-2"},
		"info/release-check":        {`{"error":"500"}`, "{"},
		"presence/0":                {`{"version":"2026.11.21-1"}`, "{}"},
		"contents/cke":              {`{"version":"2026.11.21-1","success":true}`, "{"},
		"switch/cke":                {`{"version":"2026.11.21-1","side":"new"}`, "{"},
		"config/env":                {"prod", "staging", "mars"},
		"bad-releases/2026.11.21-1": {`{"reason":"r","step":0,"lrn":1}`, `{"reason":"r","step":-1}`, "x"},
		"bad-releases/":             {`{"reason":"r"}`},
		"config/stray":              {"x"},
		"history/x":                 {"no part of a snapshot"},
		"vault-unseal-key":          {"no part of a snapshot"},
	}
	var names []string
	for k := range keys {
		names = append(names, k)
	}
	s := newStorage(t)
	ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
	defer cancel()
	f := s.Follow(ctx)
	defer f.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		key := names[rng.IntN(len(names))]
		if rng.IntN(3) == 0 {
			if _, err := s.Client().Delete(ctx, key); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, s, key, keys[key][rng.IntN(len(keys[key]))])
	}
	last := put(t, s, "info/neco-release", "2026.11.22-1")
	for f.Snapshot() == nil || f.Snapshot().Revision < last {
		select {
		case <-f.Wake():
		case <-ctx.Done():
			t.Fatal("the follower has not caught up")
		}
	}
	if diff := cmp.Diff(snapshot(t, s), f.Snapshot(), equalSnapshots); diff != "" {
		t.Error(diff)
	}
}

func TestAFollowerSurvivesCompaction(t *testing.T) {
	s := newStorage(t)
	ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
	defer cancel()
	for range 20 {
		rev := put(t, s, "info/neco-release", "2026.11.21-1")
		if _, err := s.Client().Compact(ctx, rev); err != nil {
			t.Fatal(err)
		}
	}
	f := s.Follow(ctx)
	defer f.Close()
	last := put(t, s, "info/neco-release", "2026.11.21-2")
	if _, err := s.Client().Compact(ctx, last); err != nil {
		t.Fatal(err)
	}
	for f.Snapshot() == nil || f.Snapshot().Release != "2026.11.21-2" {
		select {
		case <-f.Wake():
		case <-ctx.Done():
			t.Fatal("the follower has not caught up")
		}
	}
}
