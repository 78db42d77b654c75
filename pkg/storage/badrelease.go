package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// BadRelease is the record that marks a release as faulty, so that it is not installed
// again.
type BadRelease struct {
	// Reason is the message of the boot server that aborted the run.
	Reason string `json:"reason"`
	// Step is the step that failed, LRN is the boot server that aborted, and At is when
	// it aborted, by its own clock.
	Step int       `json:"step"`
	LRN  int       `json:"lrn"`
	At   time.Time `json:"at"`
}

func badReleaseKey(version string) string { return KeyBadReleases + version }

func decodeBadRelease(data []byte, _ int64) (BadRelease, error) {
	var b BadRelease
	if err := decode(data, &b); err != nil {
		return b, err
	}
	switch {
	case b.Reason == "":
		return b, errors.New("it has no reason")
	case b.Step < 0 || b.Step > maxStep:
		return b, fmt.Errorf("step %d is out of range", b.Step)
	case b.LRN < 0:
		return b, fmt.Errorf("server %d is negative", b.LRN)
	}
	return b, nil
}

// PutFault writes the status st of a worker that has aborted because the release is
// faulty, and marks the release as bad in the same transaction. It returns the revision
// of the write.
func (s *Storage) PutFault(ctx context.Context, g Guard, lrn int, st update.Status) (int64, error) {
	v, err := encodeStatus(st)
	if err != nil {
		return 0, err
	}
	b := BadRelease{Reason: st.Message, Step: st.Step, LRN: lrn, At: time.Now().UTC()}
	if st.At != nil {
		b.At = *st.At
	}
	mark, err := json.Marshal(b)
	if err != nil {
		return 0, err
	}
	return s.commit(ctx, "write status", g, nil,
		clientv3.OpPut(StatusKey(lrn), v), clientv3.OpPut(badReleaseKey(st.Version), string(mark)))
}

// RetryRelease removes the bad mark of a release and records the act a, in one
// transaction. It reports whether the release was marked. If known is not nil, the
// transaction also writes the newest known version, and fails with [ErrSuperseded] if
// the stored version is not the one that known replaces.
func (s *Storage) RetryRelease(ctx context.Context, version string, known *KnownRelease, a Act) (bool, error) {
	ops, err := a.ops()
	if err != nil {
		return false, err
	}
	key := badReleaseKey(version)
	cmps := []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), ">", 0)}
	ops = append(ops, clientv3.OpDelete(key))
	if known != nil {
		cmps = append(cmps, unchanged(KeyRelease, known.Replaces))
		ops = append(ops, clientv3.OpPut(KeyRelease, known.Version))
	}
	res, err := s.etcd.Txn(ctx).If(cmps...).Then(ops...).Else(clientv3.OpGet(key, clientv3.WithKeysOnly())).Commit()
	switch {
	case err != nil:
		return false, fmt.Errorf("delete %s: %w", key, err)
	case res.Succeeded:
		return true, nil
	case len(res.Responses[0].GetResponseRange().Kvs) > 0:
		return false, fmt.Errorf("delete %s: %w", key, ErrSuperseded)
	}
	return false, nil
}
