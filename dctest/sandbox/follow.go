package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// ErrStopped reports that a run was stopped or aborted.
var ErrStopped = errors.New("the run was stopped")

// Run is what Follow has observed of a run: of one update of all boot servers.
type Run struct {
	Version string
	// Took is the time from the request to the last status.
	Took  time.Duration
	Steps []StepTime
}

// Follow follows the run that installs version until the run is complete. That run may be
// requested after Follow was called. report, if not nil, is called for each step that has
// ended. Follow fails with ErrStopped if the run is stopped or aborted, and with another
// error if ctx is done or the sandbox has ended.
func (s *Sandbox) Follow(ctx context.Context, version string, report func(StepTime)) (*Run, error) {
	run, err := s.follow(ctx, version, report)
	if err != nil {
		return run, fmt.Errorf("follow the update to %s: %w", version, err)
	}
	return run, nil
}

// watchPause is the minimum time between two starts of the watch. It limits the restarts
// of a watch that fails at once.
const watchPause = 200 * time.Millisecond

func (s *Sandbox) follow(ctx context.Context, version string, report func(StepTime)) (*Run, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(s.units.ctx, func() { cancel(errors.New("the sandbox has ended")) })
	defer stop()
	f := &follower{Run: &Run{Version: version}, report: report, next: 1} // etcd keeps all of a sandbox's history
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	for {
		if err := s.watch(ctx, f); err != nil || f.done() {
			return f.Run, err
		}
		select {
		case <-ctx.Done():
			return f.Run, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// watch processes the events of a watch on etcd until the run or the watch has ended.
func (s *Sandbox) watch(ctx context.Context, f *follower) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for res := range s.client.Watch(ctx, storage.KeyStatus, clientv3.WithPrefix(), clientv3.WithRev(f.next)) {
		for _, e := range res.Events {
			f.next = e.Kv.ModRevision + 1
			if err := f.event(e, time.Now()); err != nil || f.done() {
				return err
			}
		}
	}
	return nil
}

// follower holds what Follow has observed so far of the run and its request.
type follower struct {
	*Run
	report   func(StepTime)
	next     int64 // the revision that the next watch starts at
	request  *update.Request
	began    time.Time
	progress *progress
}

func (f *follower) done() bool { return f.progress != nil && f.progress.done() }

// event processes one change in etcd: of the status of a boot server, or of the request
// for a run.
func (f *follower) event(e *clientv3.Event, now time.Time) error {
	if e.Type != mvccpb.PUT {
		return nil
	}
	key := string(e.Kv.Key)
	if key == storage.KeyRequest {
		return f.requested(e.Kv.Value, now)
	}
	lrn, err := strconv.Atoi(strings.TrimPrefix(key, storage.KeyStatuses))
	if err != nil || f.request == nil {
		return nil
	}
	var st update.Status
	if err := json.Unmarshal(e.Kv.Value, &st); err != nil || st.Version != f.Version || !st.Of(f.request) {
		return nil // the status of another run
	}
	if st.Cond == neco.CondAbort {
		return fmt.Errorf("%w: boot server %d: %s", ErrStopped, lrn, st.Message)
	}
	for _, ended := range f.progress.observe(lrn, st, now) {
		f.Steps = append(f.Steps, ended)
		if f.report != nil {
			f.report(ended)
		}
	}
	f.Took = now.Sub(f.began)
	return nil
}

// requested processes a new value of the request in etcd, unless it is for another
// version. It starts to follow the requested run, or fails with ErrStopped if the request
// is to stop the run.
func (f *follower) requested(data []byte, now time.Time) error {
	var r update.Request
	if err := json.Unmarshal(data, &r); err != nil || r.Version != f.Version {
		return nil
	}
	if r.Stop {
		return fmt.Errorf("%w: %s", ErrStopped, r.Reason)
	}
	if f.request == nil || !f.request.ID().Equal(r.ID()) {
		f.request, f.began, f.Steps = &r, now, nil
		f.progress = newProgress(steps.Table(), r.Members(), now)
	}
	return nil
}

// WaitComplete blocks until the run that installs version is complete. It fails like
// Follow.
func (s *Sandbox) WaitComplete(ctx context.Context, version string) error {
	_, err := s.Follow(ctx, version, nil)
	return err
}
