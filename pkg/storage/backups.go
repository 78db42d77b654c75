package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Backup is what a boot server reports about its snapshots of etcd.
type Backup struct {
	// At and Revision are the time and the revision of the newest good snapshot; zero if
	// there is none.
	At       time.Time `json:"at,omitzero"`
	Revision int64     `json:"revision,omitempty"`
	// Error is the last error since the newest good snapshot, and Since is when the first
	// attempt after that snapshot failed.
	Error string    `json:"error,omitempty"`
	Since time.Time `json:"since,omitzero"`
}

func backupKey(lrn int) string { return KeyBackups + strconv.Itoa(lrn) }

// PutBackup records that the boot server lrn has taken a good snapshot. It does nothing
// if lrn is not registered.
func (s *Storage) PutBackup(ctx context.Context, lrn int, at time.Time, revision int64) error {
	return s.putBackup(ctx, lrn, Backup{At: at, Revision: revision})
}

// PutBackupFailure records that the boot server lrn failed to take a snapshot, and keeps
// the record of its newest good snapshot. It does nothing if lrn is not registered.
func (s *Storage) PutBackupFailure(ctx context.Context, lrn int, at time.Time, why error) error {
	key := backupKey(lrn)
	res, err := s.etcd.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	var b Backup
	if len(res.Kvs) == 1 {
		// An unreadable record is replaced.
		b, _ = decodeBackup(res.Kvs[0].Value, res.Kvs[0].ModRevision)
	}
	if b.Error == "" {
		b.Since = at
	}
	b.Error = why.Error()
	return s.putBackup(ctx, lrn, b)
}

func (s *Storage) putBackup(ctx context.Context, lrn int, b Backup) error {
	b.At, b.Since = b.At.UTC().Truncate(time.Second), b.Since.UTC().Truncate(time.Second)
	value, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return s.PutOfServer(ctx, lrn, backupKey(lrn), string(value))
}

func decodeBackup(data []byte, _ int64) (Backup, error) {
	var b Backup
	if err := decode(data, &b); err != nil {
		return Backup{}, err
	}
	if b.At.IsZero() && b.Error == "" {
		return Backup{}, errors.New("it has neither a time nor an error")
	}
	return b, nil
}
