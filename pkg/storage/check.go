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
	// Error is why.
	Error string `json:"error,omitempty"`
}

func decodeCheck(data []byte) (*ReleaseCheck, error) {
	c := &ReleaseCheck{}
	if err := decode(data, c); err != nil {
		return nil, err
	}
	return c, nil
}

// PutCheck records how the search for releases goes, together with the newest
// known version unless that is empty.
func (s *Storage) PutCheck(ctx context.Context, g Guard, c ReleaseCheck, version string) error {
	v, err := json.Marshal(c)
	if err != nil {
		return err
	}
	ops := []clientv3.Op{clientv3.OpPut(KeyCheck, string(v))}
	if version != "" {
		ops = append(ops, clientv3.OpPut(KeyRelease, version))
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "write release check", g, nil, ops...)
	return err
}
