package network

import (
	"context"
	"sync"
)

// Switchboard knows which servers are cut off from all others.
type Switchboard struct {
	mu      sync.Mutex
	cut     map[int]bool
	changed chan struct{} // closed and replaced at each change
}

// NewSwitchboard returns one where nobody is cut off.
func NewSwitchboard() *Switchboard {
	return &Switchboard{cut: map[int]bool{}, changed: make(chan struct{})}
}

// Cut cuts servers off.  What is under way between them and others stops.
func (s *Switchboard) Cut(servers ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range servers {
		s.cut[n] = true
	}
	s.wake()
}

// Heal connects all servers again.
func (s *Switchboard) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cut)
	s.wake()
}

// IsCut reports whether a server is cut off.
func (s *Switchboard) IsCut(server int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut[server]
}

// wake tells everybody who waits.  It needs the lock.
func (s *Switchboard) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wait blocks while the line is cut, or until ctx is done.
func (s *Switchboard) Wait(ctx context.Context, l Line) error {
	for {
		s.mu.Lock()
		cut, changed := l.from != l.to && (s.cut[l.from] || s.cut[l.to]), s.changed
		s.mu.Unlock()
		if !cut {
			return context.Cause(ctx)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// Line connects two servers, or one and the world.
type Line struct{ from, to int }

// World is everything outside the data centre.  It cannot be cut off.
const World = -1

// Between is the line between two servers; one from a server to itself cannot
// be cut.
func Between(from, to int) Line { return Line{from, to} }
