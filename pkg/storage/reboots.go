package storage

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Reboots is the restart of many machines under a budget that is not complete. The formats of both
// parts are those of package reboot.
type Reboots struct {
	// Plan is written once: it has all machines. It is empty if there is no such restart.
	Plan json.RawMessage
	// Progress is written often, and is small.
	Progress json.RawMessage
}

// maxReboots is the maximum size of a plan in bytes. etcd refuses requests of more than 1.5 MiB.
const maxReboots = 1280 << 10

// RebootsHolder returns who holds the lock of restarts under a budget, or "".
func (s *Storage) RebootsHolder(ctx context.Context) (string, error) {
	res, err := s.etcd.Get(ctx, KeyRebootLock, clientv3.WithFirstCreate()...)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", KeyRebootLock, err)
	}
	for _, kv := range res.Kvs {
		return string(kv.Value), nil
	}
	return "", nil
}

// Reboots returns the restart that is not complete.
func (s *Storage) Reboots(ctx context.Context) (Reboots, error) {
	res, err := s.etcd.Get(ctx, KeyReboots, clientv3.WithPrefix())
	if err != nil {
		return Reboots{}, fmt.Errorf("read %s: %w", KeyReboots, err)
	}
	var r Reboots
	for _, kv := range res.Kvs {
		switch string(kv.Key) {
		case KeyRebootsPlan:
			r.Plan = kv.Value
		case KeyRebootsProgress:
			r.Progress = kv.Value
		}
	}
	return r, nil
}

// Decode decodes both parts. An error is a [MalformedKey].
func (r Reboots) Decode(plan, progress any) error {
	if err := json.Unmarshal(r.Plan, plan); err != nil {
		return MalformedKey{Key: KeyRebootsPlan, Err: err}
	}
	if err := json.Unmarshal(r.Progress, progress); err != nil {
		return MalformedKey{Key: KeyRebootsProgress, Err: err}
	}
	return nil
}

// PutReboots writes the parts of a restart that are not nil, as JSON, if the guard g holds.
func (s *Storage) PutReboots(ctx context.Context, g Guard, plan, progress any) error {
	var ops []clientv3.Op
	for key, v := range map[string]any{KeyRebootsPlan: plan, KeyRebootsProgress: progress} {
		if v == nil {
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if key == KeyRebootsPlan && len(data) > maxReboots {
			return fmt.Errorf("write %s: %d bytes, more than %d: too many machines", key, len(data), maxReboots)
		}
		ops = append(ops, clientv3.OpPut(key, string(data)))
	}
	g.AnyRequest = true
	_, err := s.commit(ctx, "write "+KeyReboots, g, nil, ops...)
	return err
}

// ForgetReboots deletes the restart, if the guard g holds.
func (s *Storage) ForgetReboots(ctx context.Context, g Guard) error {
	g.AnyRequest = true
	_, err := s.commit(ctx, "delete "+KeyReboots, g, nil, clientv3.OpDelete(KeyReboots, clientv3.WithPrefix()))
	return err
}
