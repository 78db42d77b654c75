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

// configBox hands the newest configuration from the loop to the others.
type configBox struct {
	mu      sync.Mutex
	config  storage.Config
	changed chan struct{}
}

func newConfigBox() *configBox { return &configBox{changed: make(chan struct{}, 1)} }

// put stores c; a change wakes the reader of changed.
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

// check looks for releases until the leadership ends.
func (l *leader) check(ctx context.Context) error {
	b := newBackOff()
	for {
		pause, err := l.look(ctx, l.config.get())
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

// look makes one search and records it, unless that is to be done in another
// minute.  It returns the time until the next look.  Nothing is searched, let alone recorded, without knowing what is
// known: an error of etcd is no empty state.
func (l *leader) look(ctx context.Context, c storage.Config) (time.Duration, error) {
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

// MayTake reports whether a release may be taken at a time, by the configuration.
// Windows that cannot be read are an error: their default would always be open.
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

// observe folds the outcome of one search into the last one: an error never
// means that there is no release, only that what is known may be stale.
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

// putCheck records the search, and the newest known version if that changes.
// What is written holds only for the state that it was decided on.
func (l *leader) putCheck(ctx context.Context, s *storage.Snapshot, found Found, err error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	state := observe(s.Check, found, err, time.Now().UTC())
	if err != nil {
		l.Logger.Warn("cannot look for releases", "err", state.Error, "stale_since", state.StaleSince)
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

// retryAfter is how long the server has asked to wait.
func retryAfter(err error) time.Duration {
	var limited *release.RateLimitedError
	if errors.As(err, &limited) {
		return time.Until(limited.RetryAt)
	}
	return 0
}
