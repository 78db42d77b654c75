package model

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// State is what a link does to requests, responses and events.
type State int

// The states of a link between a client and etcd.
const (
	// Open delivers everything.
	Open State = iota
	// Refused makes requests fail at once and breaks streams.
	Refused
	// Silent delivers no request; callers wait until their contexts are done.
	Silent
	// Mute delivers requests, which take effect, but no responses or events.
	Mute
	// Deaf delivers everything but the events of watches.
	Deaf
	// Flaky lets each request succeed, delays it, or makes it fail before or after it
	// took effect, at random.
	Flaky
	numStates
)

// States returns how many states a link can have.
func States() int { return int(numStates) }

// Link is the network between one client and etcd. Its methods are safe for concurrent
// use.
type Link struct {
	mu      sync.Mutex
	rand    *rand.Rand
	state   State
	changed chan struct{}
}

// NewLink returns an open link, whose random faults come from r.
func NewLink(r *rand.Rand) *Link { return &Link{rand: r, changed: make(chan struct{})} }

// Set changes the state.
func (l *Link) Set(s State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == l.state {
		return
	}
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Link) get() (State, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.changed
}

// errUnavailable returns the error that a client gets when its connection is broken.
func errUnavailable() error { return status.Error(codes.Unavailable, "the connection is broken") }

// latency is how long a message takes over a link.
const latency = time.Millisecond

// call runs f as a request over the link. Even if call returns an error, f may have taken
// effect.
func (l *Link) call(ctx context.Context, f func() error) error {
	if err := l.cross(ctx, Silent); err != nil {
		return err
	}
	err := f()
	if lost := l.cross(ctx, Silent, Mute); lost != nil {
		return lost
	}
	return err
}

// cross transfers one message over the link. It blocks while the link is in one of the
// states in block, until ctx is done.
func (l *Link) cross(ctx context.Context, block ...State) error {
	if err := wait(ctx, latency); err != nil {
		return err
	}
	for {
		state, changed := l.get()
		switch {
		case state == Refused:
			return errUnavailable()
		case state == Flaky:
			return l.flaky(ctx)
		case !slices.Contains(block, state):
			return nil
		}
		select {
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		case <-changed:
		}
	}
}

// flaky fails or delays one message in three.
func (l *Link) flaky(ctx context.Context) error {
	l.mu.Lock()
	draw, late := l.rand.IntN(6), time.Duration(l.rand.Int64N(int64(4*time.Second)))
	l.mu.Unlock()
	switch draw {
	case 0:
		return errUnavailable()
	case 1:
		return wait(ctx, late)
	}
	return nil
}

// wait blocks for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-t.C:
		return nil
	}
}
