package storage

import (
	"context"
	"encoding/json"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// CKEWeights returns the weights that operators have set for CKE's roles, by role. It
// returns a MalformedKey error if they cannot be decoded.
func (s *Storage) CKEWeights(ctx context.Context) (map[string]float64, error) {
	weights, _, err := s.ckeWeights(ctx)
	return weights, err
}

// SetCKEWeight sets the weight of a role and records the act in the same transaction.
// It returns ErrSuperseded if another client changes the weights at the same time.
func (s *Storage) SetCKEWeight(ctx context.Context, role string, weight float64, a Act) error {
	_, err := s.changeCKEWeights(ctx, a, func(weights map[string]float64) bool {
		weights[role] = weight
		return true
	})
	return err
}

// UnsetCKEWeight removes the weight of a role, like SetCKEWeight. It reports whether
// there was a weight; if not, it records nothing.
func (s *Storage) UnsetCKEWeight(ctx context.Context, role string, a Act) (bool, error) {
	return s.changeCKEWeights(ctx, a, func(weights map[string]float64) bool {
		_, had := weights[role]
		delete(weights, role)
		return had
	})
}

// changeCKEWeights reads the weights, passes them to change, and writes what change has
// made of them. It writes nothing if change returns false.
func (s *Storage) changeCKEWeights(ctx context.Context, a Act, change func(map[string]float64) bool) (bool, error) {
	weights, rev, err := s.ckeWeights(ctx)
	if err != nil {
		return false, err
	}
	if !change(weights) {
		return false, nil
	}
	v, err := json.Marshal(weights)
	if err != nil {
		return false, err
	}
	ops, err := a.ops()
	if err != nil {
		return false, err
	}
	res, err := s.etcd.Txn(ctx).If(unchanged(KeyCKEWeight, rev)).Then(append(ops, clientv3.OpPut(KeyCKEWeight, string(v)))...).Commit()
	if err != nil {
		return false, fmt.Errorf("write %s: %w", KeyCKEWeight, err)
	}
	if !res.Succeeded {
		return false, fmt.Errorf("write %s: %w", KeyCKEWeight, ErrSuperseded)
	}
	return true, nil
}

// ckeWeights returns the weights and the revision of their last write; the revision is
// 0 if there are no weights.
func (s *Storage) ckeWeights(ctx context.Context) (weights map[string]float64, rev int64, err error) {
	res, err := s.etcd.Get(ctx, KeyCKEWeight)
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", KeyCKEWeight, err)
	}
	weights = map[string]float64{}
	for _, kv := range res.Kvs {
		rev = kv.ModRevision
		if err := decode(kv.Value, &weights); err != nil {
			return nil, 0, MalformedKey{Key: KeyCKEWeight, Err: err}
		}
	}
	return weights, rev, nil
}

// checkCKEWeights returns an error if data are not the weights of roles.
func checkCKEWeights(data []byte) error {
	var weights map[string]float64
	return decode(data, &weights)
}
