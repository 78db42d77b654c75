package model

import (
	"context"
	"sync"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// watcher replaces the watcher of etcd's client library, which waits on a package-level
// channel and therefore cannot run in a bubble of testing/synctest. Like the library's
// watcher, it resumes a watch silently after a broken connection, from the last event.
type watcher struct {
	e    *Etcd
	link *Link

	mu     sync.Mutex
	closed chan struct{}
	all    sync.WaitGroup
}

var _ clientv3.Watcher = (*watcher)(nil)

// watch is one watch of a client.
type watch struct {
	key, end      []byte
	next          int64 // the lowest revision whose events were not sent
	woken         chan struct{}
	requireLeader bool
}

func (w *watch) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Watch starts a watch of a key or a range of keys.
func (w *watcher) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	op := clientv3.OpGet(key, opts...)
	one := &watch{key: op.KeyBytes(), end: op.RangeBytes(), next: op.Rev(), woken: make(chan struct{}, 1)}
	md, _ := metadata.FromOutgoingContext(ctx)
	one.requireLeader = len(md.Get(rpctypes.MetadataRequireLeaderKey)) > 0
	w.e.add(one)
	ch := make(chan clientv3.WatchResponse)
	w.all.Go(func() {
		defer close(ch)
		defer w.e.forget(one)
		w.serve(ctx, one, ch)
	})
	return ch
}

// serve delivers events to the client until ctx is done, the watcher is closed, or etcd
// cancels the watch.
func (w *watcher) serve(ctx context.Context, one *watch, ch chan<- clientv3.WatchResponse) {
	for {
		state, changed := w.link.get()
		var res *clientv3.WatchResponse
		switch state {
		case Open, Flaky, Silent:
			res = w.e.due(one)
		case Refused:
			if one.requireLeader {
				// The error of a response is not exported; a canceled
				// response without an error is an error, too.
				res = &clientv3.WatchResponse{Canceled: true}
			}
		}
		if res != nil {
			if w.link.cross(ctx, Mute) != nil && ctx.Err() == nil && !res.Canceled {
				one.next = res.Events[0].Kv.ModRevision // the events were lost; send them again
				continue
			}
			select {
			case ch <- *res:
			case <-ctx.Done():
				return
			case <-w.closed:
				return
			}
			if res.Canceled {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-w.closed:
			return
		case <-changed:
		case <-one.woken:
		}
	}
}

// RequestProgress does nothing and returns nil.
func (w *watcher) RequestProgress(context.Context) error { return nil }

// Close ends all watches.
func (w *watcher) Close() error {
	w.mu.Lock()
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	w.mu.Unlock()
	w.all.Wait()
	return nil
}

func (e *Etcd) add(w *watch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.next == 0 {
		w.next = e.rev + 1
	}
	e.watches[w] = struct{}{}
}

func (e *Etcd) forget(w *watch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.watches, w)
}

// due returns the next response for the watch w, or nil if there is none.
func (e *Etcd) due(w *watch) *clientv3.WatchResponse {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expire()
	if w.next <= e.compacted {
		return &clientv3.WatchResponse{Header: pb.ResponseHeader{Revision: e.rev}, CompactRevision: e.compacted, Canceled: true}
	}
	var evs []*clientv3.Event
	for _, ev := range e.since(w) {
		evs = append(evs, (*clientv3.Event)(ev))
	}
	w.next = max(w.next, e.rev+1)
	if len(evs) == 0 {
		return nil
	}
	return &clientv3.WatchResponse{Header: pb.ResponseHeader{Revision: e.rev}, Events: evs}
}

// since returns the events that the watch w has not delivered.
func (e *Etcd) since(w *watch) []*mvccpb.Event {
	var evs []*mvccpb.Event
	for _, ev := range e.history {
		if ev.Kv.ModRevision >= w.next && within(ev.Kv.Key, w.key, w.end) {
			evs = append(evs, ev)
		}
	}
	return evs
}
