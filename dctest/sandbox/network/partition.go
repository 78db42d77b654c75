package network

import (
	"context"
	"sync"
)

// Partition records which servers are cut off from all others, and holds back data on
// their links.
type Partition struct {
	mu      sync.Mutex
	cut     map[int]bool
	changed chan struct{} // closed and replaced at each change
}

// NewPartition returns a Partition with no server cut off.
func NewPartition() *Partition {
	return &Partition{cut: map[int]bool{}, changed: make(chan struct{})}
}

// Cut cuts servers off from all others. Their existing connections stall.
func (s *Partition) Cut(servers ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range servers {
		s.cut[n] = true
	}
	s.wake()
}

// Heal reconnects all servers.
func (s *Partition) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cut)
	s.wake()
}

// IsCut reports whether a server is cut off.
func (s *Partition) IsCut(server int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut[server]
}

// wake makes all callers of Wait check their link again. The caller must hold s.mu.
func (s *Partition) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Wait blocks while the link l is cut. It returns the cause of ctx's end if ctx is done.
func (s *Partition) Wait(ctx context.Context, l Link) error {
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

// Link is the connection between two servers, or between a server and the internet.
type Link struct{ from, to int }

// Internet is the number that stands for everything outside the data centre. It cannot be
// cut off.
const Internet = -1

// Between returns the link between two servers. If both are the same, the link cannot be
// cut.
func Between(from, to int) Link { return Link{from, to} }
