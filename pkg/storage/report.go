package storage

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// PutOfServer writes value to key, one of the keys of the boot server lrn. It does
// nothing if lrn is not registered.
func (s *Storage) PutOfServer(ctx context.Context, lrn int, key, value string) error {
	_, err := s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(BootServerKey(lrn)), ">", 0)).
		Then(clientv3.OpPut(key, value)).Commit()
	if err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}
