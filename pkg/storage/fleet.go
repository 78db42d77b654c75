package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

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

// Approved returns the serial numbers of the machines whose retirement an operator has approved.
func (s *Storage) Approved(ctx context.Context) (map[string]bool, error) {
	res, err := s.etcd.Get(ctx, KeyApproved, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", KeyApproved, err)
	}
	all := map[string]bool{}
	for _, kv := range res.Kvs {
		all[strings.TrimPrefix(string(kv.Key), KeyApproved)] = true
	}
	return all, nil
}

// Approve approves the retirement of machines, and records the act a in the same transaction.
func (s *Storage) Approve(ctx context.Context, serials []string, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	for _, serial := range serials {
		ops = append(ops, clientv3.OpPut(KeyApproved+serial, ""))
	}
	if _, err := s.etcd.Txn(ctx).Then(ops...).Commit(); err != nil {
		return fmt.Errorf("write %s: %w", KeyApproved, err)
	}
	return nil
}

// ForgetApproval forgets the approval of a machine that has retired.
func (s *Storage) ForgetApproval(ctx context.Context, serial string) error {
	if _, err := s.etcd.Delete(ctx, KeyApproved+serial); err != nil {
		return fmt.Errorf("delete %s%s: %w", KeyApproved, serial, err)
	}
	return nil
}
