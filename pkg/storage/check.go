package storage

import (
	"context"
	"encoding/json"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ReleaseCheck is the record of the search for releases. One search is called a check.
type ReleaseCheck struct {
	// CheckedAt is when the last successful check was made; nil if there was none.
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	// StaleSince is when the first check after the last successful one failed; nil if the
	// last check succeeded.
	StaleSince *time.Time `json:"stale_since,omitempty"`
	// FailedAt is when the last check failed; nil if it succeeded, or if the leader runs
	// an earlier version.
	FailedAt *time.Time `json:"failed_at,omitempty"`
	// Error is the error of the check at FailedAt.
	Error string `json:"error,omitempty"`
	// Skipped lists the tags of releases that are dated later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn is a version that was the newest known one and is no longer on the
	// release server; empty if there is none.
	Withdrawn string `json:"withdrawn,omitempty"`
}

func decodeCheck(data []byte, _ int64) (*ReleaseCheck, error) {
	c := &ReleaseCheck{}
	if err := decode(data, c); err != nil {
		return nil, err
	}
	return c, nil
}

// KnownRelease is a change of the newest known version.
type KnownRelease struct {
	// Version is the new version; empty if no version is known any more.
	Version string
	// Replaces is the revision of etcd at which the replaced version was written; 0 if
	// there was none.
	Replaces int64
}

// PutCheck writes the record c and, unless known is nil, the newest known version. If
// known is not nil, it fails with ErrSuperseded if etcd holds another newest known
// version than known replaces, or another request than g expects.
func (s *Storage) PutCheck(ctx context.Context, g Guard, c ReleaseCheck, known *KnownRelease) error {
	v, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ops := []clientv3.Op{clientv3.OpPut(KeyCheck, string(v))}
	var more []clientv3.Cmp
	g.AnyRequest = known == nil
	if known != nil {
		more = append(more, unchanged(KeyRelease, known.Replaces))
		op := clientv3.OpPut(KeyRelease, known.Version)
		if known.Version == "" {
			op = clientv3.OpDelete(KeyRelease)
		}
		ops = append(ops, op)
	}
	_, err = s.commit(ctx, "write release check", g, more, ops...)
	return err
}
