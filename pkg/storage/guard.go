package storage

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The reasons for which a guarded write is refused.  In each case nothing was
// written: read again and decide again.
var (
	// ErrNotLeader: the election key of the writer is gone.
	ErrNotLeader = errors.New("NotLeader")
	// ErrLeaseLost: the leased key of the writer is gone.
	ErrLeaseLost = errors.New("LeaseLost")
	// ErrNotRegistered: the writer's own server is not registered any more.
	ErrNotRegistered = errors.New("not a registered boot server")
	// ErrSuperseded: the state has changed since the decision was made.
	ErrSuperseded = errors.New("RunSuperseded")
)

// Guard is what must still hold when a write takes effect.  etcd checks it in
// the same transaction.
type Guard struct {
	// Holder is the writer's own election or presence key, as it was created
	// at revision HolderRev; relative to the prefix.  Empty: not checked.
	Holder    string
	HolderRev int64
	// Lost is the error when Holder is gone: ErrNotLeader or ErrLeaseLost.
	Lost error
	// LRN must be registered; negative: not checked.
	LRN int
	// RequestRev is the revision of the request that was decided on; 0: there
	// was none.
	RequestRev int64
	// AnyRequest skips the comparison of the request.
	AnyRequest bool
}

// conds are the comparisons of the guard, with the error for each.
func (g Guard) conds() (cmps []clientv3.Cmp) {
	if g.Holder != "" {
		cmps = append(cmps, clientv3.Compare(clientv3.CreateRevision(g.Holder), "=", g.HolderRev))
	}
	if g.LRN >= 0 {
		cmps = append(cmps, clientv3.Compare(clientv3.CreateRevision(BootServerKey(g.LRN)), ">", 0))
	}
	if !g.AnyRequest {
		cmps = append(cmps, clientv3.Compare(clientv3.ModRevision(KeyRequest), "=", g.RequestRev))
	}
	return cmps
}

// commit runs ops if the guard and more hold.  It returns the revision of the
// write.  On failure it finds out why from the same transaction.
func (s *Storage) commit(ctx context.Context, what string, g Guard, more []clientv3.Cmp, ops ...clientv3.Op) (int64, error) {
	var otherwise []clientv3.Op
	if g.Holder != "" {
		otherwise = append(otherwise, clientv3.OpGet(g.Holder, clientv3.WithKeysOnly()))
	}
	if g.LRN >= 0 {
		otherwise = append(otherwise, clientv3.OpGet(BootServerKey(g.LRN), clientv3.WithKeysOnly()))
	}
	res, err := s.etcd.Txn(ctx).If(append(g.conds(), more...)...).Then(ops...).Else(otherwise...).Commit()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	if res.Succeeded {
		return res.Header.Revision, nil
	}
	i := 0
	if g.Holder != "" {
		kvs := res.Responses[i].GetResponseRange().Kvs
		if len(kvs) == 0 || kvs[0].CreateRevision != g.HolderRev {
			return 0, fmt.Errorf("%s: %w", what, g.Lost)
		}
		i++
	}
	if g.LRN >= 0 && len(res.Responses[i].GetResponseRange().Kvs) == 0 {
		return 0, fmt.Errorf("%s: boot server %d: %w", what, g.LRN, ErrNotRegistered)
	}
	return 0, fmt.Errorf("%s: %w", what, ErrSuperseded)
}

// absent or unchanged since rev (0: absent).
func unchanged(key string, rev int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", rev)
}
