package cli

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/storage"
)

// wakeOn sends when a key may have changed. stop returns when nothing uses the
// client any more.
// A watch that breaks is not begun again: the caller looks every second anyway.
func wakeOn(ctx context.Context, s *storage.Storage) (wake <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	ch, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		for range s.Client().Watch(ctx, "", clientv3.WithPrefix()) {
			select {
			case ch <- struct{}{}:
			default:
			}
		}
	}()
	return ch, func() {
		cancel()
		<-done
	}
}
