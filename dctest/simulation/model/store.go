package model

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Etcd is a model of one etcd cluster. The zero value is not usable; use [New].
type Etcd struct {
	mu        sync.Mutex
	rev       int64
	keys      map[string]*mvccpb.KeyValue
	history   []*mvccpb.Event // the events after the revision compacted
	compacted int64
	leases    map[int64]*lease
	nextLease int64
	watches   map[*watch]struct{}
}

// New returns an empty etcd.
func New() *Etcd {
	return &Etcd{rev: 1, keys: map[string]*mvccpb.KeyValue{}, leases: map[int64]*lease{}, watches: map[*watch]struct{}{}}
}

func (e *Etcd) header() *pb.ResponseHeader { return &pb.ResponseHeader{Revision: e.rev} }

// put stores a value for key at the revision rev, and returns the key's previous value.
func (e *Etcd) put(r *pb.PutRequest, rev int64) *mvccpb.KeyValue {
	key := string(r.Key)
	kv := &mvccpb.KeyValue{Key: r.Key, Value: r.Value, Lease: r.Lease, CreateRevision: rev, ModRevision: rev, Version: 1}
	old := e.keys[key]
	if old != nil {
		kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
	}
	e.keys[key] = kv
	e.note(&mvccpb.Event{Type: mvccpb.PUT, Kv: kv})
	return old
}

// remove deletes a key at the revision rev.
func (e *Etcd) remove(key string, rev int64) {
	delete(e.keys, key)
	e.note(&mvccpb.Event{Type: mvccpb.DELETE, Kv: &mvccpb.KeyValue{Key: []byte(key), ModRevision: rev}})
}

// note adds an event to the history and wakes the watches.
func (e *Etcd) note(ev *mvccpb.Event) {
	e.rev = ev.Kv.ModRevision
	e.history = append(e.history, ev)
	for w := range e.watches {
		w.wake()
	}
}

// compact deletes the history up to the current revision.
func (e *Etcd) compact() {
	e.history, e.compacted = nil, e.rev
}

// within reports whether key is in the range from "from" to "end". As in etcd, an empty
// end means only the key from, and a zero byte means all keys that are not before from.
func within(key, from, end []byte) bool {
	switch {
	case len(end) == 0:
		return bytes.Equal(key, from)
	case len(end) == 1 && end[0] == 0:
		return bytes.Compare(key, from) >= 0
	}
	return bytes.Compare(key, from) >= 0 && bytes.Compare(key, end) < 0
}

// read returns the keys of a range, sorted by key.
func (e *Etcd) read(from, end []byte) []*mvccpb.KeyValue {
	var kvs []*mvccpb.KeyValue
	for key, kv := range e.keys {
		if within([]byte(key), from, end) {
			kvs = append(kvs, kv)
		}
	}
	slices.SortFunc(kvs, func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return kvs
}

// Keys returns the keys below prefix, sorted.
func (e *Etcd) Keys(prefix string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expire()
	var keys []string
	for key := range e.keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// lease is a lease with its expiry.
type lease struct {
	ttl     time.Duration
	expires time.Time
	timer   *time.Timer
}

func (e *Etcd) grant(ttl int64) int64 {
	e.nextLease++
	id := e.nextLease
	l := &lease{ttl: time.Duration(ttl) * time.Second}
	e.leases[id] = l
	l.expires = time.Now().Add(l.ttl)
	l.timer = time.AfterFunc(l.ttl, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.expire()
	})
	return id
}

// keepAlive renews the lease id and returns its TTL in seconds, or 0 if the lease has
// expired.
func (e *Etcd) keepAlive(id int64) int64 {
	e.expire()
	l := e.leases[id]
	if l == nil {
		return 0
	}
	l.expires = time.Now().Add(l.ttl)
	l.timer.Reset(l.ttl)
	return int64(l.ttl / time.Second)
}

// revoke ends a lease and deletes its keys in one revision. It returns false if the
// lease does not exist.
func (e *Etcd) revoke(id int64) bool {
	l := e.leases[id]
	if l == nil {
		return false
	}
	l.timer.Stop()
	delete(e.leases, id)
	rev := e.rev + 1
	for _, kv := range e.read([]byte{0}, []byte{0}) {
		if kv.Lease == id {
			e.remove(string(kv.Key), rev)
		}
	}
	return true
}

func (e *Etcd) expire() {
	now := time.Now()
	for id, l := range e.leases {
		if !l.expires.After(now) {
			e.revoke(id)
		}
	}
}

// Prolong gives every lease its full TTL again, as a new leader of etcd does.
func (e *Etcd) Prolong() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id := range e.leases {
		e.keepAlive(id)
	}
}

// Compact deletes all old revisions. Watches that have not yet delivered them are
// cancelled.
func (e *Etcd) Compact() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.compact()
	for w := range e.watches {
		w.wake()
	}
}

// Close stops the timers of leases.
func (e *Etcd) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.leases {
		l.timer.Stop()
	}
}
