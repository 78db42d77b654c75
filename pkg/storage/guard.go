package storage

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The errors of a refused guarded write. Nothing was written; the caller reads the
// state and decides again.
var (
	// ErrNotLeader: the election key of the writer has gone.
	ErrNotLeader = errors.New("NotLeader")
	// ErrLeaseLost: the leased key of the writer has gone.
	ErrLeaseLost = errors.New("LeaseLost")
	// ErrNotRegistered: the boot server of the writer is no longer registered.
	ErrNotRegistered = errors.New("not a registered boot server")
	// ErrSuperseded: the state has changed since the decision was made.
	ErrSuperseded = errors.New("RunSuperseded")
)

// Guard is the condition of a write. etcd checks it in the transaction of the write.
type Guard struct {
	// Holder is the election key or the presence key of the writer, relative to the
	// prefix; HolderRev is the revision at which it was created. Empty: not checked.
	Holder    string
	HolderRev int64
	// Lost is the error if Holder has gone: ErrNotLeader or ErrLeaseLost.
	Lost error
	// LRN is a boot server that must be registered; negative: not checked.
	LRN int
	// RequestRev is the revision of the request on which the decision is based; 0 if
	// there was none.
	RequestRev int64
	// AnyRequest skips the comparison of the request.
	AnyRequest bool
}

// conds returns the comparisons of the guard.
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

// commit runs ops if the guard and the comparisons in more hold, and returns the
// revision of the write. Otherwise the same transaction reads the keys of the guard,
// and the error names the condition that failed.
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

// unchanged compares the revision of the last write of key with rev; 0: the key must be
// absent.
func unchanged(key string, rev int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", rev)
}
