package storage

import (
	"context"
	"encoding/json"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ReleaseCheck is the state of the search for releases.
type ReleaseCheck struct {
	// CheckedAt is the time of the last check without an error.
	CheckedAt *time.Time `json:"checked_at,omitempty"`
	// StaleSince is the time of the first failed check after the last successful one;
	// nil if the last check succeeded.
	StaleSince *time.Time `json:"stale_since,omitempty"`
	// FailedAt is the time of the last failed check; nil if the last check succeeded,
	// or if the leader runs an earlier version.
	FailedAt *time.Time `json:"failed_at,omitempty"`
	// Error is the error of that check.
	Error string `json:"error,omitempty"`
	// Skipped lists the tags of releases that are dated later than tomorrow.
	Skipped []string `json:"skipped,omitempty"`
	// Withdrawn is a version that was the newest known one and is no longer on the
	// release server.
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
	// Version is the new version; empty: no version is known.
	Version string
	// Replaces is the revision at which the old version was written; 0 if there was
	// none.
	Replaces int64
}

// PutCheck writes the state of the search for releases and, unless known is nil, the
// newest known version. It returns ErrSuperseded if known is not nil and the known
// version or the request has changed since the decision.
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
