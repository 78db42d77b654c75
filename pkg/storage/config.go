package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	durations "github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/releasetime"
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

// readConfig fills a Config from the keys below config/.  A value that cannot
// be used is named, and its default holds.
func readConfig(values map[string]string) (Config, []MalformedKey) {
	c := Config{Env: neco.NoneEnv, CheckInterval: DefaultCheckInterval, WorkerTimeout: DefaultWorkerTimeout,
		ReleaseTime: releasetime.DefaultWindows, ReleaseTimezone: releasetime.DefaultZone}
	var bad []MalformedKey
	values = maps.Clone(values)
	for _, k := range ConfigKeys() {
		v, ok := values[k.Key]
		if !ok {
			continue
		}
		delete(values, k.Key)
		text, err := k.Format(v)
		if m := (MalformedKey{}); errors.As(err, &m) {
			bad = append(bad, m)
			continue
		}
		c.set(k.Name, text)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		bad = append(bad, MalformedKey{KeyConfig + key, errors.New("no such config key")})
	}
	return c, bad
}

func (c *Config) set(name, text string) {
	switch name {
	case "env":
		c.Env = text
	case "slack":
		c.Slack = text
	case "proxy":
		c.Proxy = text
	case "quay-username":
		c.QuayUsername = text
	case "quay-password":
		c.QuayPassword = text
	case "github-token":
		c.GitHubToken = text
	case "check-update-interval":
		c.CheckInterval, _ = durations.Parse(text, 0, durations.Longest) // Format has accepted it
	case "worker-timeout":
		c.WorkerTimeout, _ = durations.Parse(text, 0, durations.Longest)
	case "release-time":
		c.ReleaseTime = text
	case "release-timezone":
		c.ReleaseTimezone = text
	}
}
