// Package liveness ties every liveness signal of a daemon to the progress of its main
// loop.
//
// It owns the pulse, which the loop beats, and the pulse's deadline. It must not know
// what the loop does, nor what depends on the pulse: systemd's watchdog, a lease in etcd.
package liveness

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrStalled reports that a main loop made no progress. A session or context that ends
// for this reason has it as its cause.
var ErrStalled = errors.New("the main loop makes no progress")

// Pulse observes whether one loop makes progress. Its methods may be called concurrently.
type Pulse struct {
	limit time.Duration

	mu       sync.Mutex
	deadline time.Time // zero if there is no deadline
}

// New returns a Pulse that is alive until limit has passed since the last beat, by the
// monotonic clock. The call of New counts as the first beat.
func New(limit time.Duration) *Pulse {
	p := &Pulse{limit: limit}
	p.Beat()
	return p
}

// Beat records progress. The loop itself must call it, once in each iteration.
func (p *Pulse) Beat() { p.set(time.Now().Add(p.limit)) }

// Allow extends the deadline of the current iteration to limit plus d from now.
func (p *Pulse) Allow(d time.Duration) { p.set(time.Now().Add(p.limit + d)) }

// Suspend removes the deadline; the next beat sets it again.
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

// AwaitStall blocks until the deadline has passed, and then returns [ErrStalled]. If ctx
// ends first, it returns the cause of that end.
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
