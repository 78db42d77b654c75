// Package liveness ties every liveness signal of a daemon to the progress of its main
// loop.
//
// It owns the pulse and its deadline. It must not know what the loop does, nor who
// evaluates the pulse: systemd's watchdog, a lease in etcd.
package liveness

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrStalled is the cause of a session or context that ended because the main loop made
// no progress.
var ErrStalled = errors.New("the main loop makes no progress")

// Pulse is the progress of one loop. Its methods may be called concurrently.
type Pulse struct {
	limit time.Duration

	mu       sync.Mutex
	deadline time.Time // zero: none
}

// New returns a pulse that is alive until limit has passed without a beat, by the
// monotonic clock. New counts as the first beat.
func New(limit time.Duration) *Pulse {
	p := &Pulse{limit: limit}
	p.Beat()
	return p
}

// Beat records progress. Only the loop itself may call it, once in each iteration.
func (p *Pulse) Beat() { p.set(time.Now().Add(p.limit)) }

// Allow lets the current iteration take d longer than the limit.
func (p *Pulse) Allow(d time.Duration) { p.set(time.Now().Add(p.limit + d)) }

// Suspend removes the deadline until the next beat.
func (p *Pulse) Suspend() { p.set(time.Time{}) }

func (p *Pulse) set(deadline time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = deadline
}

// Alive reports whether the loop is within its deadline.
func (p *Pulse) Alive() bool { return p.left() > 0 }

// left returns the time until the deadline, or the limit while the pulse is suspended.
func (p *Pulse) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deadline.IsZero() {
		return p.limit
	}
	return time.Until(p.deadline)
}

// AwaitStall blocks until the deadline has passed and returns [ErrStalled], or until
// ctx ends and returns its cause.
func (p *Pulse) AwaitStall(ctx context.Context) error {
	for {
		left := p.left()
		if left <= 0 {
			return ErrStalled
		}
		t := time.NewTimer(left)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}
