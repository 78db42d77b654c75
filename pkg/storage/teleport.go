package storage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// PutTeleportToken stores the token unless a token is already stored. It reports
// whether it has stored the given one.
func (s *Storage) PutTeleportToken(ctx context.Context, token string) (stored bool, err error) {
	res, err := s.etcd.Txn(ctx).If(unchanged(KeyTeleportToken, 0)).Then(clientv3.OpPut(KeyTeleportToken, token)).Commit()
	if err != nil {
		return false, fmt.Errorf("write %s: %w", KeyTeleportToken, err)
	}
	return res.Succeeded, nil
}

// ReplaceTeleportToken stores the token, whether or not one is already stored.
func (s *Storage) ReplaceTeleportToken(ctx context.Context, token string, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	if _, err := s.etcd.Txn(ctx).Then(append(ops, clientv3.OpPut(KeyTeleportToken, token))...).Commit(); err != nil {
		return fmt.Errorf("write %s: %w", KeyTeleportToken, err)
	}
	return nil
}

// checkTeleportToken returns an error if data is not a token in hexadecimal digits. The
// error does not contain data, which is a secret.
func checkTeleportToken(data []byte) error {
	if _, err := hex.DecodeString(string(data)); err != nil || len(data) == 0 {
		return errors.New("not a token of hexadecimal digits")
	}
	return nil
}
