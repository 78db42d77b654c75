package storage

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// RecordDigest returns the digest in the record called name, which [Storage.PutRecord] has
// written in this run or in an earlier one. It returns "" if there is no such record, the
// record is malformed or without success, or it has no digest.
func (s *Storage) RecordDigest(ctx context.Context, name string) (string, error) {
	rec, _, err := s.record(ctx, name)
	if !rec.Success {
		return "", err
	}
	return rec.Digest, err
}

// ForgetDigest removes the digest from the record called name, and keeps the rest of it. It
// writes nothing if there is no digest. It returns ErrSuperseded if another client writes the
// record at the same time.
func (s *Storage) ForgetDigest(ctx context.Context, name string) error {
	rec, value, err := s.record(ctx, name)
	if err != nil || rec.Digest == "" {
		return err
	}
	rec.Digest = ""
	data, err := encode(rec, unknownFields(value, rec))
	if err != nil {
		return err
	}
	g := Guard{LRN: -1, AnyRequest: true}
	key := KeyContents + name
	_, err = s.commit(ctx, "write record "+name, g, []clientv3.Cmp{unchanged(key, rec.Rev)}, clientv3.OpPut(key, string(data)))
	return err
}

// record returns the record called name and its value in etcd. The digest of a record without
// a start time, which is not from this Neco, does not count.
func (s *Storage) record(ctx context.Context, name string) (rec update.Record, value []byte, err error) {
	res, err := s.etcd.Get(ctx, KeyContents+name)
	if err != nil {
		return rec, nil, fmt.Errorf("read record %s: %w", name, err)
	}
	for _, kv := range res.Kvs {
		rec, err = decodeRecord(kv.Value, kv.ModRevision)
		if err != nil || rec.StartedAt == nil {
			return update.Record{}, nil, nil
		}
		value = kv.Value
	}
	return rec, value, nil
}
