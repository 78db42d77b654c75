package storage_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestAServerThatLeavesTakesNothingOfTheOthersAlong(t *testing.T) {
	s := newStorage(t)
	for _, lrn := range []int{1, 10, 19} {
		if err := s.Register(t.Context(), lrn); err != nil {
			t.Fatal(err)
		}
		put(t, s, storage.StatusKey(lrn), `{"version":"v"}`)
		put(t, s, storage.ContainerKey(lrn, "serf"), "1")
		put(t, s, storage.DebKey(lrn, "etcdpasswd"), "1")
		put(t, s, fmt.Sprint(storage.KeyCerts, lrn), "{}")
		put(t, s, fmt.Sprint(storage.KeyBackups, lrn), "{}")
	}
	seen, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unregister(t.Context(), seen, 1, storage.Act{}); err != nil {
		t.Fatal(err)
	}
	for key := range all(t, s) {
		if strings.Contains(key, "/1/") || strings.HasSuffix(key, "/1") {
			t.Errorf("%s is left", key)
		}
	}
	if n := len(all(t, s)); n != 12 {
		t.Errorf("%d keys are left, want 12", n)
	}
	if err := s.Unregister(t.Context(), seen, 1, storage.Act{}); !errors.Is(err, storage.ErrNotRegistered) {
		t.Errorf("a second time: %v", err)
	}
}

// TestOfTwoServersThatLeaveAtOnceOneStays: both departures are based on a snapshot with
// three servers.
func TestOfTwoServersThatLeaveAtOnceOneStays(t *testing.T) {
	s := newStorage(t)
	for lrn := range 3 {
		if err := s.Register(t.Context(), lrn); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unregister(t.Context(), seen, 1, storage.Act{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Unregister(t.Context(), seen, 2, storage.Act{}); !errors.Is(err, storage.ErrSuperseded) {
		t.Errorf("the second one: %v", err)
	}
	left, err := s.Snapshot(t.Context())
	if err != nil || !slices.Equal(left.Registered, []int{0, 2}) {
		t.Errorf("boot servers %v are left, want 0 and 2: %v", left.Registered, err)
	}
}

// TestAMalformedRequestIsClearedAsItWasRead: if another request has replaced the
// malformed one meanwhile, it remains.
func TestAMalformedRequestIsClearedAsItWasRead(t *testing.T) {
	s := newStorage(t)
	put(t, s, storage.KeyRequest, "{")
	bad, ok := snapshot(t, s).MalformedAt(storage.KeyRequest)
	if !ok {
		t.Fatal("it is not malformed")
	}
	put(t, s, storage.KeyRequest, `{"version":"v","servers":[0],"started_at":"2026-11-21T09:00:00Z"}`)
	if err := s.Recover(t.Context(), bad.Rev, storage.Act{}); !errors.Is(err, storage.ErrSuperseded) {
		t.Errorf("another one is there: %v", err)
	}
	put(t, s, storage.KeyRequest, "{")
	bad, _ = snapshot(t, s).MalformedAt(storage.KeyRequest)
	if err := s.Recover(t.Context(), bad.Rev, storage.Act{}); err != nil {
		t.Error(err)
	}
}
