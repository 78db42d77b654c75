package updater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// requestTimeout is how long the leader waits for one response of etcd.
const requestTimeout = 5 * time.Second

// relist is the longest time between two decisions if no event occurs.
const relist = 15 * time.Second

// Run competes for the leadership, and leads, until ctx ends; it waits while etcd cannot
// be reached. Before each campaign it deletes the keys of former updaters of this host.
// The caller must hold a lock of the host, so that no other updater of this host runs.
func Run(ctx context.Context, o Options) error {
	if o.TTL == 0 {
		o.TTL = LeaseTTL
	}
	if o.Pulse == nil {
		o.Pulse = liveness.New(StallLimit)
	}
	b := newBackOff()
	for ctx.Err() == nil {
		o.Pulse.Suspend()
		began := time.Now()
		// A session that lost its connection to etcd could not delete its key.
		err := clearLeftovers(ctx, o)
		if err == nil {
			err = awaitRegistration(ctx, o)
		}
		if err == nil {
			err = election.Hold(ctx, o.Etcd, storage.KeyUpdaterLeader, o.Hostname, o.TTL, func(ctx context.Context, s *election.Session, h election.Holder) error {
				return lead(ctx, o, s, h)
			})
		}
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > o.TTL {
			b.Reset()
		}
		o.Logger.Warn("not the leader", "err", err)
		_ = neco.SleepContext(ctx, b.NextBackOff())
	}
	return nil
}

// awaitRegistration blocks until this server is registered or ctx ends. A server that has
// left the data centre must not lead, because etcd would accept none of its writes.
func awaitRegistration(ctx context.Context, o Options) error {
	f := storage.New(o.Etcd).Follow(ctx)
	defer f.Close()
	for logged := false; ; {
		if s := f.Snapshot(); s != nil {
			if slices.Contains(s.Registered, o.LRN) {
				return nil
			}
			if !logged {
				logged = true
				o.Logger.Warn("not campaigning for the leadership: this server is not registered")
			}
		}
		if err := waitFor(ctx, f.Wake(), relist); err != nil {
			return err
		}
	}
}

func clearLeftovers(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return election.RevokeLeftovers(ctx, o.Etcd, storage.KeyUpdaterLeader, func(_, value string) bool {
		return value == o.Hostname
	})
}

// leader is the state of an updater while it is the leader.
type leader struct {
	Options
	store *storage.Storage
	guard storage.Guard
	// run is the current run, and seenAt is when this leader first saw it.
	run    update.RunID
	seenAt time.Time
	// found is the kind of the notice about the state in which this leader found the run.
	found Kind
	seen  Sightings
	// ended is the run whose end this leader last recorded in the history.
	ended update.RunID
	// absentAt is when a new run started to wait for absent servers; zero if none waits.
	absentAt time.Time
	decided  string
	notices  *notices
	config   *configBox
}

func lead(ctx context.Context, o Options, s *election.Session, h election.Holder) error {
	o.Pulse.Beat()
	o.Logger.Info("is the leader", "host", o.Hostname)
	l := &leader{
		Options: o, store: storage.New(o.Etcd), seen: Sightings{},
		guard:   storage.Guard{Holder: h.Key, HolderRev: h.Rev, Lost: storage.ErrNotLeader, LRN: o.LRN},
		notices: newNotices(), config: newConfigBox(),
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := o.Pulse.AwaitStall(ctx)
		s.Abandon(err)
		return err
	})
	g.Go(func() error { return l.loop(ctx) })
	g.Go(func() error { return l.check(ctx) })
	g.Go(func() error { return l.notify(ctx) })
	return g.Wait()
}

// loop repeats step until the leadership ends, and returns the reason for that end.
func (l *leader) loop(ctx context.Context) error {
	f := l.store.Follow(ctx)
	defer f.Close()
	b := newBackOff()
	for {
		l.Pulse.Beat()
		pause := relist
		if snap := f.Snapshot(); snap != nil {
			err := l.step(ctx, snap)
			pause = l.untilNext(snap)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, storage.ErrNotLeader), errors.Is(err, storage.ErrNotRegistered):
				return err
			case err != nil:
				l.Logger.Warn("decision failed; retrying", "err", err)
				pause = b.NextBackOff()
			default:
				b.Reset()
			}
		}
		if err := waitFor(ctx, f.Wake(), pause); err != nil {
			return err
		}
	}
}

func (l *leader) snapshot(ctx context.Context) (*storage.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.store.Snapshot(ctx)
}

// step makes one decision on the state s and performs it.
func (l *leader) step(ctx context.Context, s *storage.Snapshot) error {
	now := time.Now()
	if !slices.Contains(s.Registered, l.LRN) {
		return fmt.Errorf("boot server %d: %w", l.LRN, storage.ErrNotRegistered)
	}
	l.remember(s, now)
	l.config.put(s.Config)
	if n, ok := noticeOf(s); ok {
		n.Found = n.Kind == l.found
		l.notices.put(n)
	}
	if err := l.closeHistory(ctx, s); err != nil {
		return err
	}
	d := Decide(s, Input{Age: now.Sub(l.seenAt), Seen: l.seen})
	l.logDecision(ctx, d)
	l.noteAbsence(s, d, now)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.act(ctx, s, d)
}

// remember records what etcd does not store: when this leader first saw the current
// run, and which workers it has seen running.
func (l *leader) remember(s *storage.Snapshot, now time.Time) {
	run := update.RunID{}
	if s.Request != nil {
		run = s.Request.ID()
	}
	if !run.Equal(l.run) || l.seenAt.IsZero() {
		l.run, l.seenAt, l.found = run, now, foundKind(s)
	}
	l.seen.Note(s)
}

// act performs the decision d, which was made on the state s.
func (l *leader) act(ctx context.Context, s *storage.Snapshot, d Decision) error {
	g := l.guard
	if s.Request != nil {
		g.RequestRev = s.Request.Rev
	}
	switch d.Do {
	case NewRequest, Reconfigure:
		r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: d.Version, Servers: d.Servers, StartedAt: time.Now().UTC()}}
		o, err := l.origin(ctx, s, d)
		if err != nil {
			return err
		}
		_, err = l.store.NewRequest(ctx, g, r, o, d.Do == Reconfigure)
		return ignoreSuperseded(err)
	case Stop:
		_, err := l.store.StopRequest(ctx, g, s.Request, d.Outcome, d.Why)
		return ignoreSuperseded(err)
	}
	return nil
}

// origin returns the reason for the run of d and its requester. If etcd has no earlier
// request, the reason comes from the history when neco recover has cleared a run.
func (l *leader) origin(ctx context.Context, s *storage.Snapshot, d Decision) (storage.Origin, error) {
	o := storage.Origin{Kind: storage.KindRelease, By: l.Hostname, What: d.Why}
	if d.Do == Reconfigure {
		o.Kind = storage.KindReconfigure
	}
	if s.Request != nil {
		return o, nil
	}
	records, _, err := l.store.History(ctx)
	o.What = cmp.Or(afterRecover(records), d.Why)
	return o, err
}

// ignoreSuperseded returns nil if err reports that the state has changed since the
// decision was made, and err otherwise. The leader then makes a new decision.
func ignoreSuperseded(err error) error {
	if errors.Is(err, storage.ErrSuperseded) {
		return nil
	}
	return err
}

// closeHistory records the end of the current run in the history unless this leader has
// already done so. It also trims the records of older runs.
func (l *leader) closeHistory(ctx context.Context, s *storage.Snapshot) error {
	r := s.Request
	if r == nil || s.UnderWay() || l.ended.Equal(r.ID()) {
		return nil
	}
	result, reason := storage.ResultComplete, ""
	if r.Stop {
		result, reason = storage.Result(r.Outcome), r.Reason
		if result == "" {
			result = storage.ResultStopped
		}
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := errors.Join(
		l.store.EndRun(ctx, r.ID(), result, reason, time.Now().UTC()),
		l.store.TrimHistory(ctx), l.store.TrimNotified(ctx, r.ID()))
	var bad storage.MalformedKey
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	l.ended = r.ID()
	return nil
}

// noteAbsence adds a notice once a new run has waited for absent servers for
// absentNotice.
func (l *leader) noteAbsence(s *storage.Snapshot, d Decision, now time.Time) {
	if d.Do != WaitAbsent {
		l.absentAt = time.Time{}
		return
	}
	if l.absentAt.IsZero() {
		l.absentAt = now
	}
	if now.Sub(l.absentAt) >= absentNotice {
		l.notices.put(Notice{Kind: KindAbsent, Version: d.Version, Servers: d.Servers, StartedAt: l.run.StartedAt, Absent: d.Absent, Since: l.absentAt})
	}
}

// untilNext returns the time until the next decision if the state does not change:
// until the next time limit of the run or of absent servers, at most relist.
func (l *leader) untilNext(s *storage.Snapshot) time.Duration {
	next := relist
	if s != nil && s.UnderWay() {
		if left := s.Config.WorkerTimeout - time.Since(l.seenAt); left > 0 {
			next = min(next, left)
		}
	}
	if !l.absentAt.IsZero() {
		if left := absentNotice - time.Since(l.absentAt); left > 0 {
			next = min(next, left)
		}
	}
	return next
}

// logDecision logs d if it differs from the last one: at debug level if the leader only
// waits for a release or for workers, otherwise at info level.
func (l *leader) logDecision(ctx context.Context, d Decision) {
	text := fmt.Sprint(d.Do, d.Why)
	if text == l.decided {
		return
	}
	l.decided = text
	level := slog.LevelInfo
	if d.Do == WaitInfo || d.Do == WaitWorkers {
		level = slog.LevelDebug
	}
	l.Logger.Log(ctx, level, "decided", "do", d.Do.String(), "why", d.Why, "version", d.Version)
}

func waitFor(ctx context.Context, wake <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-wake:
	case <-t.C:
	}
	return nil
}

func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = 100*time.Millisecond, 3*time.Second
	return b
}
