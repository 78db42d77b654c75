package storage_test

import (
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
	all, bad, err := s.Heartbeats(t.Context())
	if err != nil || len(bad) > 0 || len(all) != 2 {
		t.Fatal(all, bad, err)
	}
	if got, err := s.TakenSince(t.Context(), all[1]); err != nil || !got.Equal(started) {
		t.Errorf("%s, %v; want %s", got, err, started)
	}
	if _, err := s.Client().Compact(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if got, err := s.TakenSince(t.Context(), all[1]); err != nil || !got.IsZero() {
		t.Errorf("compacted: %s, %v", got, err)
	}
}
