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

// ErrNotSet reports that a configuration key has no stored value.
var ErrNotSet = errors.New("not set")

// Config is the configuration of the daemons. A field has its default value if its key
// is not set.
type Config struct {
	Env           string
	Slack         string
	Proxy         string
	QuayUsername  string
	QuayPassword  string
	GitHubToken   string
	CheckInterval time.Duration
	WorkerTimeout time.Duration
	// ReleaseTime and ReleaseTimezone define the time windows in which a release may be
	// installed, in the syntax of package releasetime.
	ReleaseTime     string
	ReleaseTimezone string
	// NodeProxy is the URL of the nodes' proxy, and ExternalBlock the addresses of external
	// services.
	NodeProxy, ExternalBlock string
}

// GetConfig returns the stored value of k in the format that Parse accepts. It fails
// with ErrNotSet if k has no stored value, and with a MalformedKey error if that value
// is invalid.
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

// PutConfig validates text, stores it as the value of k, and records the act a in the
// same transaction.
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

// UnsetConfig removes the stored value of k, so that its default applies again, and
// records the act a. It reports whether there was a stored value; if not, it records
// nothing.
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

// defaults returns the configuration of a data centre in which no key is set.
func defaults() (c Config) {
	for i := range configKeys {
		k := &configKeys[i]
		k.set(&c, k.Default)
	}
	return c
}

// configKeyAt returns the configuration key that is stored at config/ followed by key,
// or nil if no configuration key is stored there.
func configKeyAt(key string) *ConfigKey {
	for i := range configKeys {
		if k := &configKeys[i]; k.Key == key {
			return k
		}
	}
	return nil
}

// putConfig sets one field of the snapshot's configuration from kv. If the value is
// invalid, it returns an error and the field keeps its default.
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

// unused is the set function of configuration keys that are not in Config, because no
// daemon reads them or an action reads them itself; it does nothing.
func unused(*Config, string) {}

// spanOf returns the duration in text, which must have been validated.
func spanOf(text string) time.Duration {
	d, _ := durations.Parse(text, 0, durations.Longest)
	return d
}
