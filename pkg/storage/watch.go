package storage

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Wake sends on the returned channel when a key that an update depends on may
// have changed.  An event is a wake-up only, never information: read a
// snapshot.  The channel holds one pending wake-up; a watch that breaks, or
// whose revision was compacted, is a wake-up too and begins again.  The
// channel is never closed; the goroutine ends with ctx.
func (s *Storage) Wake(ctx context.Context) <-chan struct{} {
	wake := make(chan struct{}, 1)
	go func() {
		for ctx.Err() == nil {
			s.watchOnce(ctx, wake)
			signal(wake)
			if !pause(ctx, watchPause) {
				return
			}
		}
	}()
	return wake
}

// watchOnce forwards events until the watch ends.
func (s *Storage) watchOnce(ctx context.Context, wake chan<- struct{}) {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for res := range s.etcd.Watch(ctx, "", clientv3.WithPrefix()) {
		if res.Err() != nil {
			return
		}
		signal(wake)
	}
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
