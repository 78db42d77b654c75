package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Fleet is what sabakan-state-setter remembers about the machines of the data centre. It
// survives a restart and a change of the leader.
type Fleet struct {
	// Unhealthy is since when machines are judged as unhealthy without a break, by serial
	// number.
	Unhealthy map[string]time.Time `json:"unhealthy_since,omitempty"`
	// Worse are the changes of machines to unhealthy or unreachable that were made lately.
	Worse []WorseMachine `json:"worse,omitempty"`
}

// WorseMachine is a machine that was changed to unhealthy or unreachable.
type WorseMachine struct {
	Serial string    `json:"serial"`
	Rack   int       `json:"rack"`
	At     time.Time `json:"at"`
}

// equal reports whether f and g are the same.
func (f Fleet) equal(g Fleet) bool {
	return maps.EqualFunc(f.Unhealthy, g.Unhealthy, time.Time.Equal) &&
		slices.EqualFunc(f.Worse, g.Worse, func(a, b WorseMachine) bool {
			return a.Serial == b.Serial && a.Rack == b.Rack && a.At.Equal(b.At)
		})
}

// Fleet returns what sabakan-state-setter remembers; the zero value if it has remembered nothing
// yet. An error may be a [MalformedKey].
func (s *Storage) Fleet(ctx context.Context) (Fleet, error) {
	res, err := s.etcd.Get(ctx, KeyFleet)
	if err != nil {
		return Fleet{}, fmt.Errorf("read %s: %w", KeyFleet, err)
	}
	var f Fleet
	if len(res.Kvs) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(res.Kvs[0].Value, &f); err != nil {
		return Fleet{}, MalformedKey{Key: KeyFleet, Err: err}
	}
	return f, nil
}

// ReplaceFleet writes f, what sabakan-state-setter remembers, in place of old if the guard g
// holds. If they are the same, it only checks g.
func (s *Storage) ReplaceFleet(ctx context.Context, g Guard, old, f Fleet) error {
	g.AnyRequest = true
	var ops []clientv3.Op
	if !f.equal(old) {
		v, err := json.Marshal(f)
		if err != nil {
			return err
		}
		ops = append(ops, clientv3.OpPut(KeyFleet, string(v)))
	}
	_, err := s.commit(ctx, "write "+KeyFleet, g, nil, ops...)
	return err
}
