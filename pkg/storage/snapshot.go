package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// Storage reads and writes Neco's keys.
type Storage struct {
	etcd *clientv3.Client
}

// New returns a Storage on a client that is namespaced at Neco's prefix.  The
// client stays the caller's.
func New(etcd *clientv3.Client) *Storage { return &Storage{etcd} }

// Client returns the namespaced client.
func (s *Storage) Client() *clientv3.Client { return s.etcd }

// Snapshot is everything that decides about updates, at one revision.
type Snapshot struct {
	update.State
	// Release is the newest known version; empty: none.
	Release string
	// ReleaseRev is the revision at which it was written; 0: never.
	ReleaseRev int64
	// Bad are the releases that are not installed again, by version.
	Bad map[string]BadRelease
	// Check is the updater's last check for a release; nil: there was none.
	Check  *ReleaseCheck
	Config Config
	// config holds the keys below config/ as they are.
	config map[string]string
	// Malformed lists the keys that were skipped, in the order of their names.
	Malformed []MalformedKey
}

// snapshotPrefixes are what a snapshot is made of.
var snapshotPrefixes = [...]string{"info/", keyStatusPrefix, KeyContents, KeySwitch, KeyPresence, KeyConfig, KeyBadReleases}

// Snapshot reads the shared state in one transaction.  It fails only when
// etcd cannot be read.
func (s *Storage) Snapshot(ctx context.Context) (*Snapshot, error) {
	var ops []clientv3.Op
	for _, prefix := range snapshotPrefixes {
		ops = append(ops, clientv3.OpGet(prefix, clientv3.WithPrefix()))
	}
	res, err := s.etcd.Txn(ctx).Then(ops...).Commit()
	// The client repeats other reads by itself when etcd elects a leader.
	for elects(err) && pause(ctx, watchPause) {
		res, err = s.etcd.Txn(ctx).Then(ops...).Commit()
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	snap := newSnapshot(res.Header.Revision)
	for _, r := range res.Responses {
		for _, kv := range r.GetResponseRange().Kvs {
			snap.take(string(kv.Key), kv)
		}
	}
	snap.readConfig()
	return snap, nil
}

// elects says that etcd could not answer because it had no leader just then.
func elects(err error) bool {
	return errors.Is(err, rpctypes.ErrLeaderChanged) || errors.Is(err, rpctypes.ErrNoLeader) || errors.Is(err, rpctypes.ErrTimeoutDueToLeaderFail)
}

// take puts one key into the snapshot, or names it as malformed.
func (s *Snapshot) take(key string, kv *mvccpb.KeyValue) {
	if !slices.ContainsFunc(snapshotPrefixes[:], func(p string) bool { return strings.HasPrefix(key, p) }) {
		return
	}
	if name, ok := strings.CutPrefix(key, KeyConfig); ok {
		s.config = maps.Clone(s.config)
		s.config[name] = string(kv.Value)
		return
	}
	if err := s.add(key, kv); err != nil {
		s.malformed(MalformedKey{key, err})
	}
}

// malformed names a key, in the order of the keys.
func (s *Snapshot) malformed(m MalformedKey) {
	s.Malformed = append(s.Malformed[:len(s.Malformed):len(s.Malformed)], m)
	slices.SortFunc(s.Malformed, func(a, b MalformedKey) int { return cmp.Compare(a.Key, b.Key) })
	unreadable := fmt.Errorf("%s cannot be read: %w", m.Key, m.Err)
	if m.Key == KeyRequest {
		s.UnreadableRequest = unreadable
	}
	if group, ok := strings.CutPrefix(m.Key, KeySwitch); ok {
		s.UnreadableSwitches = maps.Clone(s.UnreadableSwitches)
		s.UnreadableSwitches[group] = unreadable
	}
}

// MalformedAt returns what is wrong with key; ok is false if nothing is.
func (s *Snapshot) MalformedAt(key string) (bad MalformedKey, ok bool) {
	i := slices.IndexFunc(s.Malformed, func(m MalformedKey) bool { return m.Key == key })
	if i < 0 {
		return MalformedKey{}, false
	}
	return s.Malformed[i], true
}

// readConfig reads the configuration anew from its keys.
func (s *Snapshot) readConfig() {
	s.Malformed = slices.DeleteFunc(slices.Clone(s.Malformed), func(m MalformedKey) bool { return strings.HasPrefix(m.Key, KeyConfig) })
	var bad []MalformedKey
	s.Config, bad = readConfig(s.config)
	for _, m := range bad {
		s.malformed(m)
	}
}

func newSnapshot(rev int64) *Snapshot {
	return &Snapshot{config: map[string]string{}, Bad: map[string]BadRelease{}, State: update.State{
		Revision:           rev,
		Statuses:           map[int]update.Status{},
		Presence:           map[int]update.Presence{},
		Records:            map[string]update.Record{},
		Switches:           map[string]update.Switch{},
		UnreadableSwitches: map[string]error{},
	}}
}

// add puts one key into the snapshot.
func (s *Snapshot) add(key string, kv *mvccpb.KeyValue) (err error) {
	switch {
	case strings.HasPrefix(key, KeyBootServers):
		return addByLRN(key, KeyBootServers, func(lrn int) error {
			s.Registered = append(s.Registered[:len(s.Registered):len(s.Registered)], lrn)
			slices.Sort(s.Registered)
			return nil
		})
	case key == KeyRelease:
		s.Release, s.ReleaseRev = string(kv.Value), kv.ModRevision
		return nil
	case key == KeyCheck:
		s.Check, err = decodeCheck(kv.Value)
		return err
	case key == KeySSHPubKey:
		return nil
	case key == KeyRequest:
		s.Request, err = decodeRequest(kv.Value, kv.ModRevision)
		return err
	case strings.HasPrefix(key, KeyStatuses):
		return addByLRN(key, KeyStatuses, func(lrn int) (err error) {
			st, err := decodeStatus(kv.Value, kv.ModRevision)
			if err == nil {
				s.Statuses = maps.Clone(s.Statuses)
				s.Statuses[lrn] = st
			}
			return err
		})
	case strings.HasPrefix(key, KeyPresence):
		return addByLRN(key, KeyPresence, func(lrn int) error {
			p, err := decodePresence(kv.Value, kv.ModRevision)
			if err == nil {
				s.Presence = maps.Clone(s.Presence)
				s.Presence[lrn] = p
			}
			return err
		})
	}
	return s.addNamed(key, kv)
}

func (s *Snapshot) addNamed(key string, kv *mvccpb.KeyValue) error {
	if version, ok := strings.CutPrefix(key, KeyBadReleases); ok {
		return s.addBadRelease(version, kv.Value)
	}
	if name, ok := strings.CutPrefix(key, KeyContents); ok {
		rec, err := decodeRecord(kv.Value, kv.ModRevision)
		if err == nil {
			s.Records = maps.Clone(s.Records)
			s.Records[name] = rec
		}
		return err
	}
	if name, ok := strings.CutPrefix(key, KeySwitch); ok {
		sw, err := decodeSwitch(kv.Value, kv.ModRevision)
		if err == nil {
			s.Switches = maps.Clone(s.Switches)
			s.Switches[name] = sw
		}
		return err
	}
	return errors.New("foreign key")
}

func addByLRN(key, prefix string, add func(int) error) error {
	lrn, err := parseLRN(key, prefix)
	if err != nil {
		return err
	}
	return add(lrn)
}
