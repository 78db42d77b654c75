package storage

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Fleet decodes into v what sabakan-state-setter remembers about the machines of the data centre.
// It leaves v as it is if nothing is remembered yet. An error may be a [MalformedKey].
func (s *Storage) Fleet(ctx context.Context, v any) error {
	res, err := s.etcd.Get(ctx, KeyFleet)
	if err != nil {
		return fmt.Errorf("read %s: %w", KeyFleet, err)
	}
	if len(res.Kvs) == 0 {
		return nil
	}
	if err := json.Unmarshal(res.Kvs[0].Value, v); err != nil {
		return MalformedKey{Key: KeyFleet, Err: err}
	}
	return nil
}

// PutFleet writes v, what sabakan-state-setter remembers, if the guard g holds.
func (s *Storage) PutFleet(ctx context.Context, g Guard, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "write "+KeyFleet, g, nil, clientv3.OpPut(KeyFleet, string(data)))
	return err
}
