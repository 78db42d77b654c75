package updater

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/releasetime"
	"github.com/cybozu-go/neco/pkg/storage"
)

// configBox holds the newest configuration: the main loop stores it, and other
// goroutines read it.
type configBox struct {
	mu      sync.Mutex
	config  storage.Config
	changed chan struct{}
}

func newConfigBox() *configBox { return &configBox{changed: make(chan struct{}, 1)} }

// put stores c. If the configuration has changed, put sends a value to the channel
// changed.
func (b *configBox) put(c storage.Config) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c == b.config {
		return
	}
	b.config = c
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

func (b *configBox) get() storage.Config {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.config
}

// check searches for releases until the leadership ends, and returns the reason for that
// end.
func (l *leader) check(ctx context.Context) error {
	b := newBackOff()
	for {
		pause, err := l.searchOnce(ctx, l.config.get())
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, storage.ErrNotLeader), errors.Is(err, storage.ErrNotRegistered):
			return err
		case err != nil:
			l.Logger.Warn("cannot record the search for releases", "err", err)
			pause = b.NextBackOff()
		default:
			b.Reset()
		}
		if err := waitFor(ctx, l.config.changed, pause); err != nil {
			return err
		}
	}
}

// searchOnce searches for releases once, records the result, and returns the time until
// the next search. Outside of the time windows in which a release may be taken, it only
// waits for the next window. If it cannot read the state from etcd it does nothing,
// because a failed read must not count as an empty state.
func (l *leader) searchOnce(ctx context.Context, c storage.Config) (time.Duration, error) {
	if c.Env == "" || c.Env == neco.NoneEnv {
		return relist, nil
	}
	snap, err := l.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	pause := c.CheckInterval
	now := time.Now()
	open, err := MayTake(snap, now)
	if err != nil {
		return pause, l.putCheck(ctx, snap, Found{}, err)
	}
	if !open {
		return now.Truncate(time.Minute).Add(time.Minute).Sub(now), nil
	}
	found, err := l.Finder.Newest(ctx, c, snap.Bad)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if retry := retryAfter(err); retry > 0 {
		pause = max(retry, time.Second)
	}
	return pause, l.putCheck(ctx, snap, found, err)
}

// MayTake reports whether the configuration allows the leader to take a release at the
// time at. It returns an error if the time windows are malformed; the default windows
// are always open.
func MayTake(s *storage.Snapshot, at time.Time) (bool, error) {
	for _, name := range []string{"release-time", "release-timezone"} {
		if bad, ok := s.MalformedAt(storage.KeyConfig + name); ok {
			return false, fmt.Errorf("%s cannot be read: %w", bad.Key, bad.Err)
		}
	}
	windows, err := releasetime.Parse(s.Config.ReleaseTime, s.Config.ReleaseTimezone)
	if err != nil {
		return false, fmt.Errorf("%srelease-time: %w", storage.KeyConfig, err)
	}
	return windows.Open(at), nil
}

// observe returns the record of the release search after another search; last is the
// record before it, or nil. After a failed search, the record keeps the results in last
// and marks them as stale.
func observe(last *storage.ReleaseCheck, found Found, err error, now time.Time) storage.ReleaseCheck {
	state := storage.ReleaseCheck{}
	if last != nil {
		state = *last
	}
	if err == nil {
		return storage.ReleaseCheck{CheckedAt: &now, Skipped: found.Skipped, Withdrawn: state.Withdrawn}
	}
	if state.StaleSince == nil {
		state.StaleSince = &now
	}
	state.FailedAt, state.Error = &now, err.Error()
	return state
}

// putCheck records the search in etcd and, if the search changes it, the newest known
// version. That write fails if the request or the known version is no longer the one in
// s.
func (l *leader) putCheck(ctx context.Context, s *storage.Snapshot, found Found, err error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	state := observe(s.Check, found, err, time.Now().UTC())
	if err != nil {
		l.Logger.Warn("cannot search for releases", "err", state.Error, "stale_since", state.StaleSince)
		return l.store.PutCheck(ctx, l.guard, state, nil)
	}
	version := ""
	version, state.Withdrawn = known(s, found.Version)
	if version == s.Release {
		return l.store.PutCheck(ctx, l.guard, state, nil)
	}
	g := l.guard
	if s.Request != nil {
		g.RequestRev = s.Request.Rev
	}
	if err := l.store.PutCheck(ctx, g, state, &storage.KnownRelease{Version: version, Replaces: s.ReleaseRev}); err != nil {
		return err
	}
	l.Logger.Info("the newest known release has changed", "version", version, "before", s.Release, "withdrawn", state.Withdrawn)
	return nil
}

// retryAfter returns how long the release server has asked the client to wait, or 0 if
// err carries no such time.
func retryAfter(err error) time.Duration {
	var limited *release.RateLimitedError
	if errors.As(err, &limited) {
		return time.Until(limited.RetryAt)
	}
	return 0
}
