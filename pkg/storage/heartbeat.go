package storage

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Heartbeat is the last time at which the main loop of a boot server's worker
// made progress. Unlike the presence it stays when the worker is gone, so that
// others can tell since when the server has been silent.
type Heartbeat struct {
	// At is a time by the worker's own clock, for people only: no update depends on it.
	At time.Time `json:"at"`
	// Rev is the revision at which etcd took it.
	Rev int64 `json:"-"`
}

func heartbeatKey(lrn int) string { return KeyHeartbeats + strconv.Itoa(lrn) }

// PutHeartbeat writes the heartbeat of a worker. The request is not compared.
func (s *Storage) PutHeartbeat(ctx context.Context, g Guard, lrn int, h Heartbeat) error {
	v, err := json.Marshal(h)
	if err != nil {
		return err
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "write heartbeat", g, nil, clientv3.OpPut(heartbeatKey(lrn), string(v)))
	return err
}

// Heartbeats returns the last heartbeats by LRN, and the keys that are
// malformed.
func (s *Storage) Heartbeats(ctx context.Context) (map[int]Heartbeat, []MalformedKey, error) {
	return s.heartbeats(ctx)
}

// TakenSince returns the newest time in any heartbeat that etcd had when it took h: h was
// written after it, whatever the clock of its server. Zero: etcd has compacted that
// revision.
func (s *Storage) TakenSince(ctx context.Context, h Heartbeat) (time.Time, error) {
	all, _, err := s.heartbeats(ctx, clientv3.WithRev(h.Rev))
	if errors.Is(err, rpctypes.ErrCompacted) {
		return time.Time{}, nil
	}
	newest := time.Time{}
	for _, other := range all {
		if other.At.After(newest) {
			newest = other.At
		}
	}
	return newest, err
}

func (s *Storage) heartbeats(ctx context.Context, opts ...clientv3.OpOption) (map[int]Heartbeat, []MalformedKey, error) {
	return reportsOf(ctx, s, KeyHeartbeats, func(kv *mvccpb.KeyValue) (Heartbeat, error) {
		h, err := decodeHeartbeat(kv.Value)
		h.Rev = kv.ModRevision
		return h, err
	}, opts...)
}

func decodeHeartbeat(data []byte) (Heartbeat, error) {
	var h Heartbeat
	if err := decode(data, &h); err != nil {
		return h, err
	}
	if h.At.IsZero() {
		return h, errors.New("it has no time")
	}
	return h, nil
}
