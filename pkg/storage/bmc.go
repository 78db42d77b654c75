package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// BMCSettings are the settings of management controllers (BMC).
type BMCSettings struct {
	// Users is the JSON from which setup-hw makes the users of each BMC; it contains passwords.
	Users string
	// User and Password are the user with which Neco switches the power.
	User, Password string
}

// BMCSettings returns the settings of BMCs; those that are not set are empty.
func (s *Storage) BMCSettings(ctx context.Context) (BMCSettings, error) {
	res, err := s.etcd.Txn(ctx).Then(clientv3.OpGet(KeyBMCUser), clientv3.OpGet(KeyIPMIUser), clientv3.OpGet(KeyIPMIPassword)).Commit()
	if err != nil {
		return BMCSettings{}, fmt.Errorf("read the settings of BMCs: %w", err)
	}
	var b BMCSettings
	for i, to := range []*string{&b.Users, &b.User, &b.Password} {
		if kvs := res.Responses[i].GetResponseRange().Kvs; len(kvs) > 0 {
			*to = string(kvs[0].Value)
		}
	}
	return b, nil
}

// PutBMCSetting writes a setting of BMCs, one of KeyBMCUser, KeyIPMIUser and KeyIPMIPassword, and
// records the act a in the same transaction.
func (s *Storage) PutBMCSetting(ctx context.Context, key, value string, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	if _, err := s.etcd.Txn(ctx).Then(append(ops, clientv3.OpPut(key, value))...).Commit(); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}

// CheckBMCUsers returns an error if text is not what setup-hw reads: a JSON object with a user in
// each field. The error does not contain text, which has passwords.
func CheckBMCUsers(text string) error {
	var users map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &users); err != nil || users == nil {
		return errors.New("not a JSON object")
	}
	return nil
}

// BMCPins keep the digests of the certificates of BMCs.
type BMCPins struct{ *Storage }

func pinKey(serial string) string { return KeyBMCPins + serial }

// Pinned returns the digest that is kept for the BMC of a machine, or "".
func (p BMCPins) Pinned(ctx context.Context, serial, _ string) (string, error) {
	res, err := p.etcd.Get(ctx, pinKey(serial))
	if err != nil {
		return "", fmt.Errorf("the certificate of the BMC: %w", err)
	}
	if len(res.Kvs) == 0 {
		return "", nil
	}
	return string(res.Kvs[0].Value), nil
}

// Pin returns the digest that is kept for the BMC of a machine. If none is kept, it keeps seen,
// and returns that.
func (p BMCPins) Pin(ctx context.Context, serial, seen string) (string, error) {
	key := pinKey(serial)
	res, err := p.etcd.Txn(ctx).If(unchanged(key, 0)).Then(clientv3.OpPut(key, seen)).Else(clientv3.OpGet(key)).Commit()
	switch {
	case err != nil:
		return "", fmt.Errorf("the certificate of the BMC: %w", err)
	case res.Succeeded:
		return seen, nil
	}
	return string(res.Responses[0].GetResponseRange().Kvs[0].Value), nil
}

// ReplacePin replaces the digest that is kept for the BMC of a machine, if it is still old, and
// records the act a in the same transaction.
func (s *Storage) ReplacePin(ctx context.Context, serial, old, seen string, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	key := pinKey(serial)
	res, err := s.etcd.Txn(ctx).If(clientv3.Compare(clientv3.Value(key), "=", old)).Then(append(ops, clientv3.OpPut(key, seen))...).Commit()
	switch {
	case err != nil:
		return fmt.Errorf("write %s: %w", key, err)
	case !res.Succeeded:
		return fmt.Errorf("write %s: another certificate was accepted at the same time", key)
	}
	return nil
}
