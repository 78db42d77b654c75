package storage

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/crypto/ssh"
)

// SSHKey returns the public key with which operators log in to nodes, in the format of
// authorized_keys, or "" if there is none.
func (s *Storage) SSHKey(ctx context.Context) (string, error) {
	res, err := s.etcd.Get(ctx, KeySSHPubKey)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", KeySSHPubKey, err)
	}
	if len(res.Kvs) == 0 {
		return "", nil
	}
	return string(res.Kvs[0].Value), nil
}

// PutSSHKey replaces the public key and records the act a in the same transaction. It
// returns ErrSuperseded if the stored key is no longer old; an empty old key means that
// there is none.
func (s *Storage) PutSSHKey(ctx context.Context, old, key string, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	condition := clientv3.Compare(clientv3.Value(KeySSHPubKey), "=", old)
	if old == "" {
		condition = clientv3.Compare(clientv3.CreateRevision(KeySSHPubKey), "=", 0)
	}
	res, err := s.etcd.Txn(ctx).If(condition).Then(append(ops, clientv3.OpPut(KeySSHPubKey, key))...).Commit()
	if err != nil {
		return fmt.Errorf("write %s: %w", KeySSHPubKey, err)
	}
	if !res.Succeeded {
		return fmt.Errorf("write %s: %w", KeySSHPubKey, ErrSuperseded)
	}
	return nil
}

// checkSSHKey returns an error if data is not a public key in the format of
// authorized_keys. The error does not contain data, which may be a private key.
func checkSSHKey(data []byte) error {
	if _, _, _, _, err := ssh.ParseAuthorizedKey(data); err != nil {
		return errors.New("not a public SSH key in the format of authorized_keys")
	}
	return nil
}
