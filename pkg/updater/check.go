package updater

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
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
	var state storage.ReleaseCheck
	var known string
	if snap, err := l.snapshot(ctx); err == nil {
		known = snap.Release
		if snap.Check != nil {
			state = *snap.Check
		}
	}
	for {
		c := l.config.get()
		pause := c.CheckInterval
		switch c.Env {
		case "", neco.NoneEnv:
			pause = relist
		default:
			version, err := l.Finder.Newest(ctx, c)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			state = observe(state, err, time.Now().UTC())
			if err := l.putCheck(ctx, state, version, &known); errors.Is(err, storage.ErrNotLeader) {
				return err
			}
			if retry := retryAfter(err); retry > 0 {
				pause = max(retry, time.Second)
			}
		}
		if err := waitFor(ctx, l.config.changed, pause); err != nil {
			return err
		}
	}
}

// observe folds the outcome of one look into the state: an error never means
// that there is no release, only that what is known may be stale.
func observe(state storage.ReleaseCheck, err error, now time.Time) storage.ReleaseCheck {
	if err == nil || errors.Is(err, release.ErrNoRelease) {
		return storage.ReleaseCheck{CheckedAt: &now}
	}
	if state.StaleSince == nil {
		state.StaleSince = &now
	}
	state.Error = err.Error()
	return state
}

// putCheck records the look; a version that is not newer changes nothing.
func (l *leader) putCheck(ctx context.Context, state storage.ReleaseCheck, version string, known *string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if state.Error != "" {
		l.Logger.Warn("cannot look for releases", "err", state.Error, "stale_since", state.StaleSince)
	}
	newer := isNewer(version, *known)
	if !newer {
		version = ""
	}
	err := l.store.PutCheck(ctx, l.guard, state, version)
	switch {
	case err != nil:
		l.Logger.Warn("cannot record the look for releases", "err", err)
	case newer:
		*known = version
		l.Logger.Info("found a release", "version", version)
	}
	return err
}

// isNewer: what is known but no version is replaced by what is one.
func isNewer(version, known string) bool {
	v, err := release.Parse(version)
	if err != nil {
		return false
	}
	k, err := release.Parse(known)
	return err != nil || v.Compare(k) > 0
}

// retryAfter is how long the server has asked to wait.
func retryAfter(err error) time.Duration {
	var limited *release.RateLimitedError
	if errors.As(err, &limited) {
		return time.Until(limited.RetryAt)
	}
	return 0
}
