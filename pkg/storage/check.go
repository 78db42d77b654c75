package storage

import (
	"context"
	"encoding/json"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ReleaseCheck tells how the search for releases goes.
type ReleaseCheck struct {
	// CheckedAt is when releases were last read without an error.
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	// StaleSince is when the search began to fail; nil: it does not.
	StaleSince *time.Time `json:"stale_since,omitempty"`
	// FailedAt is when it last failed; nil: it does not, or the leader is of an earlier
	// version.
	FailedAt *time.Time `json:"failed_at,omitempty"`
	// Error is why.
	Error string `json:"error,omitempty"`
	// Skipped are the tags of releases whose date is later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn is a version that was the newest known one and is not on the
	// release server any more.
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
	// Version is the new one; empty: none is known.
	Version string
	// Replaces is the revision at which the old one was written; 0: none was.
	Replaces int64
}

// PutCheck records how the search for releases goes, together with the newest
// known version unless that is nil.  A change of the latter is refused with
// ErrSuperseded if the known version or the request is not the one that it was
// decided on.
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
