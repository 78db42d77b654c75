package worker

import (
	"context"
	"errors"
	"time"

	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
)

// heartbeatEvery is the interval of heartbeats in etcd.
const heartbeatEvery = 15 * time.Second

// beat records one iteration of the main loop: in the pulse, and at intervals as a
// heartbeat in etcd. It fails only if the lease is lost; a heartbeat that failed to be
// written is written again at the next interval.
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

// watchPulse abandons the session when the main loop stalls, so that presence and lock
// expire. It does not block; the returned function stops the watching.
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
