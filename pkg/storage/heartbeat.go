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

// Heartbeat is the last time at which the main loop of a worker made progress. Unlike
// the presence, the key remains after the worker has ended, so that others can see
// since when the server has been silent.
type Heartbeat struct {
	// At is that time by the clock of the worker. It is for people only: no update
	// depends on it.
	At time.Time `json:"at"`
	// Since is a lower bound of the time of the write, by the clock of any boot server;
	// At unless another server's heartbeat proves a later time.
	Since time.Time `json:"-"`
	// Rev is the revision at which the heartbeat was written.
	Rev int64 `json:"-"`
}

func heartbeatKey(n int) string { return KeyHeartbeats + strconv.Itoa(n) }

// PutHeartbeat writes the heartbeat of the worker of boot server n. It does not compare
// the request.
func (s *Storage) PutHeartbeat(ctx context.Context, g Guard, n int, h Heartbeat) error {
	v, err := json.Marshal(h)
	if err != nil {
		return err
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "write heartbeat", g, nil, clientv3.OpPut(heartbeatKey(n), string(v)))
	return err
}

// heartbeatLag is how far the time of a heartbeat may lag behind the newest one before
// its Since is corrected by a read at an earlier revision. Workers write a heartbeat
// every 15 seconds.
const heartbeatLag = 15 * time.Second

// dateHeartbeats corrects Since of old heartbeats whose workers have a lease, because
// the clocks of their servers may be behind.
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

// newestBefore returns the newest At of all heartbeats at revision rev, or the zero
// time if etcd has compacted that revision.
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

// dateHeartbeat corrects Since of a new heartbeat: it was written after the heartbeats
// of the snapshot that have a lower revision.
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
