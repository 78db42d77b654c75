package storage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestAHeartbeatIsAsNewAsThoseThatEtcdTookBefore(t *testing.T) {
	s := newStorage(t)
	put := func(lrn string, at time.Time) int64 {
		t.Helper()
		res, err := s.Client().Put(t.Context(), storage.KeyHeartbeats+lrn, `{"at":"`+at.Format(time.RFC3339)+`"}`)
		if err != nil {
			t.Fatal(err)
		}
		return res.Header.Revision
	}
	behind := started.Add(-time.Hour)
	put("0", started)
	put("1", behind)
	last := put("0", started.Add(10*time.Minute))
	since := func(want time.Time, what string) {
		t.Helper()
		snap, err := s.FullSnapshot(t.Context())
		if err != nil || len(snap.Malformed) > 0 || len(snap.Heartbeats) != 2 {
			t.Fatal(snap, err)
		}
		if got := snap.Heartbeats[1]; !got.At.Equal(behind) || !got.Since.Equal(want) {
			t.Errorf("%s: at %s, since %s; want %s", what, got.At, got.Since, want)
		}
	}
	since(behind, "without a lease nobody asks")
	if _, err := s.Client().Put(t.Context(), storage.PresenceKey(1), `{"version":"v"}`); err != nil {
		t.Fatal(err)
	}
	since(started, "with a lease")
	if _, err := s.Client().Compact(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	since(behind, "compacted")
}

// TestAFollowerKnowsWhatEtcdHadBefore: the clock of boot server 1 is an hour slow, and
// the heartbeat of another server is overwritten before boot server 1 writes its next
// one.
func TestAFollowerKnowsWhatEtcdHadBefore(t *testing.T) {
	s := newStorage(t)
	f := s.FollowFull(t.Context())
	defer f.Close()
	for f.Snapshot() == nil {
		<-f.Wake()
	}
	beat := func(n int, at time.Time) {
		put(t, s, fmt.Sprint(storage.KeyHeartbeats, n), `{"at":"`+at.Format(time.RFC3339)+`"}`)
	}
	for i := range 3 {
		at := started.Add(time.Duration(i) * time.Minute)
		beat(0, at)
		beat(1, at.Add(-time.Hour))
	}
	beat(0, started.Add(3*time.Minute))
	last := put(t, s, storage.KeyRelease, "v")
	for f.Snapshot().Revision < last {
		<-f.Wake()
	}
	if got, want := f.Snapshot().Heartbeats[1].Since, started.Add(2*time.Minute); !got.Equal(want) {
		t.Errorf("since %s, want %s", got, want)
	}
}
