package storage

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The errors of a write whose conditions did not hold. Nothing was written; the caller
// has to read the state and make a new decision.
var (
	// ErrNotLeader: the election key of the writer no longer exists.
	ErrNotLeader = errors.New("NotLeader")
	// ErrLeaseLost: the presence key of the writer, which is bound to its lease, no
	// longer exists.
	ErrLeaseLost = errors.New("LeaseLost")
	// ErrNotRegistered: the boot server that the guard names is no longer registered.
	ErrNotRegistered = errors.New("not a registered boot server")
	// ErrSuperseded: the state has changed since the decision to write was made.
	ErrSuperseded = errors.New("RunSuperseded")
)

// Guard is a set of conditions for a write. etcd checks them in the transaction of the
// write.
type Guard struct {
	// Holder is the election key or the presence key of the writer, which must still
	// exist as created at revision HolderRev. If Holder is empty, this is not checked.
	Holder    string
	HolderRev int64
	// Lost is the error if Holder no longer exists: ErrNotLeader or ErrLeaseLost.
	Lost error
	// LRN is a boot server that must be registered; this is not checked if LRN is
	// negative.
	LRN int
	// RequestRev is the revision of the request, which must not have changed; 0 if there
	// must be none.
	RequestRev int64
	// AnyRequest means that RequestRev is not checked.
	AnyRequest bool
}

// conds returns the conditions of the guard as comparisons.
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

// commit performs ops in one transaction if the guard g and the comparisons in more
// hold, and returns the revision of the write. Otherwise the error tells which
// condition failed; it is ErrSuperseded if that is the request or a comparison in more.
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

// unchanged returns the comparison that holds if key was last written at revision rev,
// or does not exist if rev is 0.
func unchanged(key string, rev int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", rev)
}
