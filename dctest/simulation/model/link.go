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

// State is what a link does with requests, answers and events.
type State int

// The states of a link.
const (
	// Open: everything arrives.
	Open State = iota
	// Refused: requests fail at once, streams break.
	Refused
	// Silent: requests do not arrive; their callers wait until they give up.
	Silent
	// Mute: requests arrive and take effect, answers and events do not.
	Mute
	// Deaf: only the events of watches do not arrive.
	Deaf
	// Flaky: each request fails before or after it took effect, or is late, or
	// succeeds, as the seed has it.
	Flaky
	numStates
)

// States returns how many states there are.
func States() int { return int(numStates) }

// Link is the network between one client and etcd. Its methods may be called
// concurrently.
type Link struct {
	mu      sync.Mutex
	rand    *rand.Rand
	state   State
	changed chan struct{}
}

// NewLink returns an open link whose faults are drawn from r.
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

// errUnavailable is what a broken connection looks like to a client.
func errUnavailable() error { return status.Error(codes.Unavailable, "the connection is broken") }

// latency is the time that a message takes.
const latency = time.Millisecond

// call runs f as a request of ctx. An error after f means that its answer was lost.
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

// cross is one message over the link, which waits while the link is in one of
// the states of block.
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

// flaky loses or delays one message in three.
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
