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

// requestTimeout bounds one request to etcd.
const requestTimeout = 5 * time.Second

// relist is how often the state is read without any event.
const relist = 15 * time.Second

// Run campaigns for the leadership and leads, until ctx ends.  The caller holds
// the host's lock, so no other updater of this host runs: the keys of its former
// sessions are deleted before each campaign.  An etcd that cannot be reached is waited for.
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
		// A session that lost etcd could not give its key back, either.
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
		o.Logger.Warn("does not lead", "err", err)
		_ = neco.SleepContext(ctx, b.NextBackOff())
	}
	return nil
}

// awaitRegistration blocks until this server is registered: one that has left
// must not lead, for nothing that it writes is accepted.
func awaitRegistration(ctx context.Context, o Options) error {
	f := storage.New(o.Etcd).Follow(ctx)
	defer f.Close()
	for said := false; ; {
		if s := f.Snapshot(); s != nil {
			if slices.Contains(s.Registered, o.LRN) {
				return nil
			}
			if !said {
				said = true
				o.Logger.Warn("does not campaign: this server is not registered")
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

// leader is an updater for as long as it leads.
type leader struct {
	Options
	store *storage.Storage
	guard storage.Guard
	// run is the current run and seenAt when this leader first saw it.
	run    update.RunID
	seenAt time.Time
	// found is the kind of the notice about the state in which it was then.
	found Kind
	seen  Sightings
	// ended is the last run whose history was closed.
	ended update.RunID
	// absentAt is when the absence was first seen.
	absentAt time.Time
	said     string
	notices  *notices
	config   *configBox
}

func lead(ctx context.Context, o Options, s *election.Session, h election.Holder) error {
	o.Pulse.Beat()
	o.Logger.Info("leads", "host", o.Hostname)
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

// loop decides and acts until the leadership ends.
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
				l.Logger.Warn("tries again", "err", err)
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

// step is one decision and its act.
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
	l.say(ctx, d)
	l.absence(s, d, now)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.act(ctx, s, d)
}

// remember notes what no snapshot tells: since when, and who was there.
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

// act carries the decision out.
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
		return expected(err)
	case Stop:
		_, err := l.store.StopRequest(ctx, g, s.Request, d.Outcome, d.Why)
		return expected(err)
	}
	return nil
}

// origin is why and by whom the run of d is requested. Where no request is left of an
// earlier run, the history tells what became of it.
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

// expected: what was decided is out of date, and is decided again.
func expected(err error) error {
	if errors.Is(err, storage.ErrSuperseded) {
		return nil
	}
	return err
}

// closeHistory writes how a run ended, once.
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

// absence tells people when a new run has waited long for a server.
func (l *leader) absence(s *storage.Snapshot, d Decision, now time.Time) {
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

// untilNext is the time until the clock, not the state, asks for a decision.
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

// say logs a decision when it changes: those that change something or need somebody
// for operators, the others for developers.
func (l *leader) say(ctx context.Context, d Decision) {
	text := fmt.Sprint(d.Do, d.Why)
	if text == l.said {
		return
	}
	l.said = text
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
