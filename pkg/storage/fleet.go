package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/internal/lrn"
)

// Fleet is what sabakan-state-setter keeps about the machines of the data centre, by part. The
// format of a part is that of the package that writes it.
type Fleet map[string]json.RawMessage

// The parts of a [Fleet]. Those that change seldom are written seldom: all machines may be in them.
const (
	// FleetRounds is what each round changes.
	FleetRounds = "rounds"
	// FleetBad are the machines that will become worse if nothing changes.
	FleetBad = "bad"
	// FleetReport is what operators want to know.
	FleetReport = "report"
)

// Fleet returns what sabakan-state-setter keeps.
func (s *Storage) Fleet(ctx context.Context) (Fleet, error) {
	res, err := s.etcd.Get(ctx, KeyFleet, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", KeyFleet, err)
	}
	f := Fleet{}
	for _, kv := range res.Kvs {
		f[strings.TrimPrefix(string(kv.Key), KeyFleet)] = kv.Value
	}
	return f, nil
}

// Decode decodes a part into v. It leaves v as it is if there is no such part. An error is a
// [MalformedKey].
func (f Fleet) Decode(part string, v any) error {
	data, ok := f[part]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return MalformedKey{Key: KeyFleet + part, Err: err}
	}
	return nil
}

// PutFleet writes the parts of after that differ from those of before, if the guard g holds.
func (s *Storage) PutFleet(ctx context.Context, g Guard, before, after Fleet) error {
	var ops []clientv3.Op
	for _, part := range slices.Sorted(maps.Keys(after)) {
		if !bytes.Equal(before[part], after[part]) {
			ops = append(ops, clientv3.OpPut(KeyFleet+part, string(after[part])))
		}
	}
	g.AnyRequest = true
	_, err := s.commit(ctx, "write "+KeyFleet, g, nil, ops...)
	return err
}

// Approval is that of an operator for the retirement of a machine.
type Approval struct {
	// Since is when the machine has begun to retire. It is zero if the value cannot be read.
	Since time.Time
	rev   int64
}

// Approved returns the approvals of operators by serial number.
func (s *Storage) Approved(ctx context.Context) (map[string]Approval, error) {
	res, err := s.etcd.Get(ctx, KeyApproved, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", KeyApproved, err)
	}
	all := map[string]Approval{}
	for _, kv := range res.Kvs {
		since, _ := time.Parse(time.RFC3339, string(kv.Value))
		all[strings.TrimPrefix(string(kv.Key), KeyApproved)] = Approval{since, kv.ModRevision}
	}
	return all, nil
}

// Approve approves the retirement of machines, by serial number, that have been retiring since the
// given times, and records the act a in the same transaction.
func (s *Storage) Approve(ctx context.Context, since map[string]time.Time, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	for serial, at := range since {
		ops = append(ops, clientv3.OpPut(KeyApproved+serial, at.UTC().Format(time.RFC3339)))
	}
	if _, err := s.etcd.Txn(ctx).Then(ops...).Commit(); err != nil {
		return fmt.Errorf("write %s: %w", KeyApproved, err)
	}
	return nil
}

// ForgetApproval forgets the approval a of a machine, unless another one was given meanwhile.
func (s *Storage) ForgetApproval(ctx context.Context, serial string, a Approval) error {
	key := KeyApproved + serial
	same := clientv3.Compare(clientv3.ModRevision(key), "=", a.rev)
	if _, err := s.etcd.Txn(ctx).If(same).Then(clientv3.OpDelete(key)).Commit(); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// Servers returns the LRNs of the registered boot servers.
func (s *Storage) Servers(ctx context.Context) ([]int, error) {
	res, err := s.etcd.Get(ctx, KeyBootServers, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", KeyBootServers, err)
	}
	var all []int
	for _, kv := range res.Kvs {
		if n, err := lrn.Parse(strings.TrimPrefix(string(kv.Key), KeyBootServers)); err == nil {
			all = append(all, n)
		}
	}
	return all, nil
}
