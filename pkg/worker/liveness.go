package worker

import (
	"context"
	"errors"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
)

// heartbeatEvery is the interval at which a worker writes its heartbeat to etcd.
const heartbeatEvery = 15 * time.Second

// beat records an iteration of the main loop, and writes a heartbeat to etcd if it is
// due. It returns an error only if the lease is lost; after another error, the
// heartbeat is written at the next interval.
func (w *worker) beat(ctx context.Context, r *session) error {
	w.Pulse.Beat()
	now := time.Now()
	if now.Before(r.heartbeatAt) {
		return nil
	}
	r.heartbeatAt = now.Add(heartbeatEvery)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := w.store.PutHeartbeat(ctx, w.guard(r), w.LRN, storage.Heartbeat{At: now.UTC()})
	if errors.Is(err, storage.ErrLeaseLost) {
		return err
	}
	return nil
}

// watchPulse starts a goroutine that abandons the session when the main loop stalls, so
// that the worker's presence and lock expire. The returned function stop ends that
// goroutine.
func (w *worker) watchPulse(ctx context.Context, es *election.Session) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.Pulse.AwaitStall(ctx); errors.Is(err, liveness.ErrStalled) {
			w.Logger.Error("abandons the lease", "err", err)
			es.Abandon(err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
