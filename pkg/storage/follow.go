package storage

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// relist is how often a follower reads everything again although nothing
// seems wrong: a watch can be silent for reasons that its client never learns.
const relist = 30 * time.Second

// Follower keeps a snapshot up to date from the events of a watch, so that
// its user reads no more than what has changed.  A snapshot once returned is
// never changed.
type Follower struct {
	store   *Storage
	current atomic.Pointer[Snapshot]
	wake    chan struct{}
	end     context.CancelFunc
	ended   chan struct{}
}

// Follow begins to follow the shared state, until ctx ends or Close is called.
// While etcd cannot be read the last snapshot stays.
func (s *Storage) Follow(ctx context.Context) *Follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &Follower{store: s, wake: make(chan struct{}, 1), end: cancel, ended: make(chan struct{})}
	go func() {
		defer close(f.ended)
		for ctx.Err() == nil {
			if err := f.once(ctx); err != nil && !pause(ctx, watchPause) {
				return
			}
		}
	}()
	return f
}

// Close ends the follower and blocks until nothing of it uses the client.
func (f *Follower) Close() {
	f.end()
	<-f.ended
}

// Snapshot returns the newest known state; nil: it was not read yet.  Its
// Revision is that of its newest change.
func (f *Follower) Snapshot() *Snapshot { return f.current.Load() }

// Wake receives when the snapshot has changed.  It holds one wake-up and is
// never closed.
func (f *Follower) Wake() <-chan struct{} { return f.wake }

// once reads everything and follows from there, until the watch ends or it is
// time to read again.
func (f *Follower) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), relist)
	defer cancel()
	snap, err := f.store.Snapshot(ctx)
	if err != nil {
		return err
	}
	f.publish(snap)
	for res := range f.store.etcd.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(snap.Revision+1)) {
		if err := res.Err(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		for _, ev := range res.Events {
			snap = snap.with(ev)
		}
		f.publish(snap)
	}
	return nil
}

func (f *Follower) publish(snap *Snapshot) {
	f.current.Store(snap)
	signal(f.wake)
}

// with returns the snapshot after one event.
func (s *Snapshot) with(ev *clientv3.Event) *Snapshot {
	n := *s
	n.Revision = ev.Kv.ModRevision
	key := string(ev.Kv.Key)
	n.drop(key)
	if ev.Type == mvccpb.PUT {
		n.take(key, ev.Kv)
	}
	if strings.HasPrefix(key, KeyConfig) {
		n.readConfig()
	}
	return &n
}

// drop takes a key out of a snapshot whose maps and lists are still another's.
func (s *Snapshot) drop(key string) {
	if _, bad := s.MalformedAt(key); bad {
		s.Malformed = slices.DeleteFunc(slices.Clone(s.Malformed), func(m MalformedKey) bool { return m.Key == key })
	}
	switch {
	case key == KeyRelease:
		s.Release, s.ReleaseRev = "", 0
	case key == KeyCheck:
		s.Check = nil
	case key == KeyRequest:
		s.Request, s.UnreadableRequest = nil, nil
	case strings.HasPrefix(key, KeyConfig):
		s.config = cloneWithout(s.config, strings.TrimPrefix(key, KeyConfig))
	case strings.HasPrefix(key, KeyContents):
		s.Records = cloneWithout(s.Records, strings.TrimPrefix(key, KeyContents))
	case strings.HasPrefix(key, KeyBadReleases):
		s.Bad = cloneWithout(s.Bad, strings.TrimPrefix(key, KeyBadReleases))
	case strings.HasPrefix(key, KeySwitch):
		group := strings.TrimPrefix(key, KeySwitch)
		s.Switches, s.UnreadableSwitches = cloneWithout(s.Switches, group), cloneWithout(s.UnreadableSwitches, group)
	default:
		s.dropServer(key)
	}
}

// dropServer is drop for the keys that end in an LRN.
func (s *Snapshot) dropServer(key string) {
	for _, prefix := range []string{KeyBootServers, KeyStatuses, KeyPresence} {
		lrn, err := parseLRN(key, prefix)
		if err != nil {
			continue
		}
		switch prefix {
		case KeyBootServers:
			s.Registered = slices.DeleteFunc(slices.Clone(s.Registered), func(l int) bool { return l == lrn })
		case KeyStatuses:
			s.Statuses = cloneWithout(s.Statuses, lrn)
		case KeyPresence:
			s.Presence = cloneWithout(s.Presence, lrn)
		}
	}
}

func cloneWithout[K comparable, V any](m map[K]V, key K) map[K]V {
	m = maps.Clone(m)
	delete(m, key)
	return m
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// watchPause bounds how often a watch that fails at once is begun again.
const watchPause = time.Second

// pause waits for d; false: ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
