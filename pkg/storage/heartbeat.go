package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/internal/lrn"
)

// Heartbeat records when the main loop of a worker last made progress. Unlike a
// presence, it remains in etcd after the worker has ended and thus shows since when a
// server has been silent.
type Heartbeat struct {
	// At is the time by the worker's clock. It is only displayed: no update depends on
	// it.
	At time.Time `json:"at"`
	// Since is a time before which the heartbeat was not written, by the clock of any
	// boot server. It is At, unless the heartbeat of another server proves a later time.
	Since time.Time `json:"-"`
	// Rev is the revision of etcd at which the heartbeat was written.
	Rev int64 `json:"-"`
}

func heartbeatKey(n int) string { return KeyHeartbeats + strconv.Itoa(n) }

// PutHeartbeat writes the heartbeat of the worker on the boot server n. It ignores the
// condition in g about the request, but not the others.
func (s *Storage) PutHeartbeat(ctx context.Context, g Guard, n int, h Heartbeat) error {
	v, err := json.Marshal(h)
	if err != nil {
		return err
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "write heartbeat", g, nil, clientv3.OpPut(heartbeatKey(n), string(v)))
	return err
}

// heartbeatLag is how much older than the newest heartbeat a server's heartbeat may be
// before dateHeartbeats verifies its Since. Workers write a heartbeat every 15 seconds.
const heartbeatLag = 15 * time.Second

// dateHeartbeats corrects Since in old heartbeats of workers that have a lease, because
// the clocks of their servers may be slow. It reads the heartbeats at the revision at
// which the old one was written.
func (s *Storage) dateHeartbeats(ctx context.Context, snap *Snapshot) error {
	newest := newestOf(snap.Heartbeats)
	for n, h := range snap.Heartbeats {
		if _, alive := snap.Presence[n]; !alive || newest.Sub(h.At) <= heartbeatLag {
			continue
		}
		since, err := s.newestBefore(ctx, h.Rev)
		if err != nil {
			return err
		}
		if since.After(h.Since) {
			h.Since = since
			snap.Heartbeats[n] = h
		}
	}
	return nil
}

// newestBefore returns the newest At of the heartbeats at revision rev, or the zero time
// if etcd has compacted that revision.
func (s *Storage) newestBefore(ctx context.Context, rev int64) (time.Time, error) {
	res, err := s.etcd.Get(ctx, KeyHeartbeats, clientv3.WithPrefix(), clientv3.WithRev(rev))
	if errors.Is(err, rpctypes.ErrCompacted) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read %s at revision %d: %w", KeyHeartbeats, rev, err)
	}
	then := newSnapshot(rev)
	for _, kv := range res.Kvs {
		then.put(full, kv)
	}
	return newestOf(then.Heartbeats), nil
}

func newestOf(all map[int]Heartbeat) (newest time.Time) {
	for _, h := range all {
		if h.At.After(newest) {
			newest = h.At
		}
	}
	return newest
}

// dateHeartbeat corrects Since in the heartbeat of the boot server name, which was just
// added to s: the heartbeat cannot be older than the heartbeats that were written at
// lower revisions.
func dateHeartbeat(s *Snapshot, name string) {
	n, err := lrn.Parse(name)
	if err != nil {
		return
	}
	h := s.Heartbeats[n]
	for _, other := range s.Heartbeats {
		if other.Rev < h.Rev && other.At.After(h.Since) {
			h.Since = other.At
		}
	}
	s.Heartbeats = cloneWith(s.Heartbeats, n, h)
}

func decodeHeartbeat(data []byte, rev int64) (Heartbeat, error) {
	var h Heartbeat
	if err := decode(data, &h); err != nil {
		return h, err
	}
	if h.At.IsZero() {
		return h, errors.New("it has no time")
	}
	h.Since, h.Rev = h.At, rev
	return h, nil
}
