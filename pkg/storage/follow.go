package storage

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// relist is the interval at which a follower reads the whole state again, because a
// watch may stop delivering events without an error.
const relist = 30 * time.Second

// Follower keeps a snapshot of etcd up to date by means of a watch, so that only
// changes are transferred after the first read. It never modifies a snapshot that it
// has returned.
type Follower struct {
	store   *Storage
	scope   scope
	current atomic.Pointer[Snapshot]
	wake    chan struct{}
	end     context.CancelFunc
	ended   chan struct{}
}

// Follow starts a follower of the keys on which decisions about updates depend. The
// follower runs until ctx ends or Close is called. While etcd cannot be read, it keeps
// its last snapshot.
func (s *Storage) Follow(ctx context.Context) *Follower { return s.follow(ctx, deciding) }

// FollowFull starts a follower of all keys that neco status shows. The channel of its
// Wake receives a value after a change of any key of Neco.
func (s *Storage) FollowFull(ctx context.Context) *Follower { return s.follow(ctx, full) }

func (s *Storage) follow(ctx context.Context, sc scope) *Follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &Follower{store: s, scope: sc, wake: make(chan struct{}, 1), end: cancel, ended: make(chan struct{})}
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

// lateWatch is how long Current waits for the watch to deliver the newest revision
// before it reads the state itself.
const lateWatch = 500 * time.Millisecond

// Current blocks until a majority of etcd has answered, and returns a snapshot with all
// writes that were made before the call. If the watch is late, Current reads the state
// itself. During the call, no other goroutine may receive from the channel of Wake.
func (f *Follower) Current(ctx context.Context) (*Snapshot, error) {
	newest, err := f.store.newest(ctx)
	if err != nil {
		return nil, err
	}
	late := time.NewTimer(lateWatch)
	defer late.Stop()
	for {
		if snap := f.Snapshot(); snap != nil && snap.Revision >= newest {
			return snap, nil
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-late.C:
			return f.store.snapshot(ctx, f.scope)
		}
	}
}

// newest returns the revision at which any key of Neco was last written, or 0 if there
// are no keys.
func (s *Storage) newest(ctx context.Context) (int64, error) {
	res, err := s.etcd.Get(ctx, "", clientv3.WithPrefix(), clientv3.WithKeysOnly(),
		clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend), clientv3.WithLimit(1))
	if err != nil {
		return 0, fmt.Errorf("read the newest key: %w", err)
	}
	if len(res.Kvs) == 0 {
		return 0, nil
	}
	return res.Kvs[0].ModRevision, nil
}

// Close ends the follower and blocks until its goroutine has ended. Afterwards the
// follower does not use the client.
func (f *Follower) Close() {
	f.end()
	<-f.ended
}

// Snapshot returns the newest snapshot, or nil before the first read. The snapshot's
// Revision is that of the newest change of any key of Neco.
func (f *Follower) Snapshot() *Snapshot { return f.current.Load() }

// Wake returns a channel that receives a value after anything in the snapshot but its
// Revision has changed. The channel holds at most one value and is never closed.
func (f *Follower) Wake() <-chan struct{} { return f.wake }

// once reads the whole state and then applies the events of a watch to it, until the
// watch fails or relist has passed.
func (f *Follower) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), relist)
	defer cancel()
	snap, err := f.store.snapshot(ctx, f.scope)
	if err != nil {
		return err
	}
	f.current.Store(snap)
	signal(f.wake)
	for res := range f.store.etcd.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithRev(snap.Revision+1)) {
		if err := res.Err(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		wake := false
		for _, ev := range res.Events {
			snap = snap.with(f.scope, ev)
			wake = wake || f.scope == full || f.scope.reads(string(ev.Kv.Key))
		}
		f.current.Store(snap)
		if wake {
			signal(f.wake)
		}
	}
	return nil
}

// with returns a snapshot that differs from s by the change ev of one key.
func (s *Snapshot) with(sc scope, ev *clientv3.Event) *Snapshot {
	n := *s
	n.Revision = ev.Kv.ModRevision
	n.drop(sc, string(ev.Kv.Key))
	if ev.Type == mvccpb.PUT {
		n.put(sc, ev.Kv)
	}
	return &n
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// watchPause is how long the follower waits before it repeats a failed read or watch.
const watchPause = time.Second

// pause waits for d. It returns false if ctx ends first.
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
