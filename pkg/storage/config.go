package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	durations "github.com/cybozu-go/neco/internal/duration"
)

// ErrNotSet is returned for a key that has no value.
var ErrNotSet = errors.New("not set")

// Config is the part of the configuration that the daemons use, with the
// defaults filled in.
type Config struct {
	Env           string
	Slack         string
	Proxy         string
	QuayUsername  string
	QuayPassword  string
	GitHubToken   string
	CheckInterval time.Duration
	WorkerTimeout time.Duration
	// ReleaseTime and ReleaseTimezone are the windows in which a release may be
	// taken, as package releasetime reads them.
	ReleaseTime     string
	ReleaseTimezone string
}

// GetConfig returns the stored value of k as the operator writes it.
// ErrNotSet: it has none; MalformedKey: it has one that is not accepted.
func (s *Storage) GetConfig(ctx context.Context, k ConfigKey) (string, error) {
	res, err := s.etcd.Get(ctx, KeyConfig+k.Key)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", KeyConfig+k.Key, err)
	}
	if len(res.Kvs) == 0 {
		return "", fmt.Errorf("%s: %w", k.Name, ErrNotSet)
	}
	return k.Format(string(res.Kvs[0].Value))
}

// PutConfig stores what the operator gave for k, after a check, and records the act.
func (s *Storage) PutConfig(ctx context.Context, k ConfigKey, text string, a Act) error {
	v, err := k.Parse(text)
	if err != nil {
		return err
	}
	ops, err := a.ops()
	if err != nil {
		return err
	}
	if _, err := s.etcd.Txn(ctx).Then(append(ops, clientv3.OpPut(KeyConfig+k.Key, v))...).Commit(); err != nil {
		return fmt.Errorf("write %s: %w", KeyConfig+k.Key, err)
	}
	return nil
}

// UnsetConfig removes the stored value of k, so that its default holds again.
// It reports whether there was one, and then records the act.
func (s *Storage) UnsetConfig(ctx context.Context, k ConfigKey, a Act) (bool, error) {
	key := KeyConfig + k.Key
	ops, err := a.ops()
	if err != nil {
		return false, err
	}
	res, err := s.etcd.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), ">", 0)).
		Then(append(ops, clientv3.OpDelete(key))...).Commit()
	if err != nil {
		return false, fmt.Errorf("delete %s: %w", key, err)
	}
	return res.Succeeded, nil
}

// defaults is the configuration while no key is set.
func defaults() (c Config) {
	for i := range configKeys {
		k := &configKeys[i]
		k.set(&c, k.Default)
	}
	return c
}

// configKeyAt returns the row of a key below config/; nil: it has none.
func configKeyAt(key string) *ConfigKey {
	for i := range configKeys {
		if k := &configKeys[i]; k.Key == key {
			return k
		}
	}
	return nil
}

// putConfig reads one key of the configuration. The default holds in place of a value
// that is not accepted.
func putConfig(s *Snapshot, key string, kv *mvccpb.KeyValue) error {
	k := configKeyAt(key)
	if k == nil {
		return errors.New("no such config key")
	}
	text, err := k.Format(string(kv.Value))
	if m := (MalformedKey{}); errors.As(err, &m) {
		return m.Err
	}
	k.set(&s.Config, text)
	return err
}

func dropConfig(s *Snapshot, key string) {
	if k := configKeyAt(key); k != nil {
		k.set(&s.Config, k.Default)
	}
}

// unused is what to do with keys that are for other programs than the daemons.
func unused(*Config, string) {}

// spanOf is an accepted duration.
func spanOf(text string) time.Duration {
	d, _ := durations.Parse(text, 0, durations.Longest)
	return d
}
