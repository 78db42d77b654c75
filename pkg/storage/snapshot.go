package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// Storage reads and writes Neco's keys in etcd.
type Storage struct {
	etcd *clientv3.Client
}

// New returns a Storage that uses client, which must prepend Neco's prefix to all keys.
// The caller closes the client.
func New(etcd *clientv3.Client) *Storage { return &Storage{etcd} }

// Open returns a Storage with a new client, made with the configuration conf. The caller
// has to call Close.
func Open(conf neco.EtcdConfig) (*Storage, error) {
	etcd, err := conf.Client()
	if err != nil {
		return nil, err
	}
	return New(etcd), nil
}

// Close closes the client.
func (s *Storage) Close() error { return s.etcd.Close() }

// Client returns the client, which prepends Neco's prefix to all keys.
func (s *Storage) Client() *clientv3.Client { return s.etcd }

// Endpoints returns the configured URLs of etcd's members.
func (s *Storage) Endpoints() []string { return s.etcd.Endpoints() }

// Reach returns nil as soon as a majority of etcd's members has answered, and an error
// otherwise.
func (s *Storage) Reach(ctx context.Context) error {
	_, err := s.etcd.Get(ctx, KeyRequest, clientv3.WithKeysOnly())
	return err
}

// Snapshot is the state of Neco in etcd at one revision: all keys on which decisions
// about updates depend. A full snapshot also contains the other keys that neco status
// shows.
type Snapshot struct {
	update.State
	// Release is the newest known version; empty if no version is known.
	Release string
	// ReleaseRev is the revision at which Release was written; 0 if no version is known.
	ReleaseRev int64
	// Bad holds the releases that are not installed again because they are faulty, by
	// version.
	Bad map[string]BadRelease
	// Check is the record of the search for releases; nil if there was no search.
	Check  *ReleaseCheck
	Config Config
	// Malformed lists the malformed keys, which the snapshot skips, sorted by name.
	Malformed []MalformedKey

	// The fields below are empty unless the snapshot is a full one.

	// Certificates, Backups and Heartbeats are what the boot servers report, by LRN.
	Certificates map[int]Certificates
	Backups      map[int]Backup
	Heartbeats   map[int]Heartbeat
	// Updaters are the updaters that lead or want to lead, and Lockers the workers that
	// hold the workers' lock or wait for it.
	Updaters, Lockers Election
}

// Snapshot reads the keys on which decisions about updates depend, in one transaction. It
// fails only if etcd cannot be read.
func (s *Storage) Snapshot(ctx context.Context) (*Snapshot, error) { return s.snapshot(ctx, deciding) }

// FullSnapshot reads all keys that neco status shows, in one transaction. It fails only
// if etcd cannot be read.
func (s *Storage) FullSnapshot(ctx context.Context) (*Snapshot, error) { return s.snapshot(ctx, full) }

func (s *Storage) snapshot(ctx context.Context, sc scope) (*Snapshot, error) {
	var ops []clientv3.Op
	for _, prefix := range sc.areas() {
		ops = append(ops, clientv3.OpGet(prefix, clientv3.WithPrefix()))
	}
	res, err := s.etcd.Txn(ctx).Then(ops...).Commit()
	// The client retries other reads itself while etcd elects a leader.
	for elects(err) && pause(ctx, watchPause) {
		res, err = s.etcd.Txn(ctx).Then(ops...).Commit()
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	snap := newSnapshot(res.Header.Revision)
	for _, r := range res.Responses {
		for _, kv := range r.GetResponseRange().Kvs {
			snap.put(sc, kv)
		}
	}
	return snap, s.dateHeartbeats(ctx, snap)
}

// elects reports whether err means that etcd has no leader at the moment.
func elects(err error) bool {
	return errors.Is(err, rpctypes.ErrLeaderChanged) || errors.Is(err, rpctypes.ErrNoLeader) || errors.Is(err, rpctypes.ErrTimeoutDueToLeaderFail)
}

// areas returns the prefixes of the keys that a snapshot of this scope reads.
func (sc scope) areas() []string {
	var all []string
	for i := range rows {
		if r := &rows[i]; r.within(sc) && !slices.Contains(all, r.area) {
			all = append(all, r.area)
		}
	}
	return all
}

func (r *row) within(sc scope) bool { return r.scope != unread && r.scope <= sc }

// reads reports whether a snapshot of this scope changes when key changes. It is also
// true for an unknown key below a prefix that the snapshot reads, because the snapshot
// lists such keys.
func (sc scope) reads(key string) bool {
	r, _ := rowOf(key)
	return r != nil && r.within(sc) ||
		r == nil && slices.ContainsFunc(sc.areas(), func(area string) bool { return strings.HasPrefix(key, area) })
}

// put adds the key and value in kv to the snapshot, or lists the key as malformed.
func (s *Snapshot) put(sc scope, kv *mvccpb.KeyValue) {
	key := string(kv.Key)
	r, name := rowOf(key)
	switch {
	case !sc.reads(key):
		return
	case r == nil:
		s.malformed(MalformedKey{Key: key, Err: errors.New("foreign key"), Rev: kv.ModRevision})
		return
	}
	err := r.put(s, name, kv)
	if err == nil {
		return
	}
	s.malformed(MalformedKey{Key: key, Err: err, Rev: kv.ModRevision})
	if r.malformed != nil {
		r.malformed(s, name, fmt.Errorf("%s cannot be read: %w", key, err))
	}
}

// drop removes key from the snapshot, or from the list of malformed keys.
func (s *Snapshot) drop(sc scope, key string) {
	if _, bad := s.MalformedAt(key); bad {
		s.Malformed = slices.DeleteFunc(slices.Clone(s.Malformed), func(m MalformedKey) bool { return m.Key == key })
	}
	if r, name := rowOf(key); r != nil && r.within(sc) {
		r.drop(s, name)
		if r.malformed != nil {
			r.malformed(s, name, nil)
		}
	}
}

// malformed adds m to the list of malformed keys, which stays sorted.
func (s *Snapshot) malformed(m MalformedKey) {
	s.Malformed = append(s.Malformed[:len(s.Malformed):len(s.Malformed)], m)
	slices.SortFunc(s.Malformed, func(a, b MalformedKey) int { return cmp.Compare(a.Key, b.Key) })
}

// MalformedAt returns the entry of key in the list of malformed keys; ok is false if
// key is not malformed.
func (s *Snapshot) MalformedAt(key string) (bad MalformedKey, ok bool) {
	i := slices.IndexFunc(s.Malformed, func(m MalformedKey) bool { return m.Key == key })
	if i < 0 {
		return MalformedKey{}, false
	}
	return s.Malformed[i], true
}

func newSnapshot(rev int64) *Snapshot {
	return &Snapshot{Config: defaults(), Bad: map[string]BadRelease{}, State: update.State{
		Revision:           rev,
		Statuses:           map[int]update.Status{},
		Presence:           map[int]update.Presence{},
		Records:            map[string]update.Record{},
		Switches:           map[string]update.Switch{},
		UnreadableSwitches: map[string]error{},
	}}
}
