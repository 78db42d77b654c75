package fleet

import (
	"context"
	"sync"
	"time"
)

const (
	// patience is how long a machine may keep others from being asked until its answer begins, and
	// again until it ends. Most need less; among thousands, some hang.
	patience = 100 * time.Millisecond
	// mostAsked is how many machines are asked at the same time, with those that do not answer yet.
	mostAsked = 1000
)

// slot is the right to read the metrics of a machine. It is given up after patience.
type slot struct {
	slots chan struct{}
	timer *time.Timer

	mu   sync.Mutex
	held bool
}

// takeSlot waits for a slot, of which there are as many as slots has room for.
func takeSlot(ctx context.Context, slots chan struct{}) (*slot, error) {
	s := &slot{slots: slots}
	return s, s.take(ctx)
}

func (s *slot) take(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = true
		s.timer = time.AfterFunc(patience, s.giveUp)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *slot) giveUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.held = false
		<-s.slots
	}
}

// resume waits for a slot if this one was given up, until ctx ends. Patience begins again.
func (s *slot) resume(ctx context.Context) error {
	if s.timer.Stop() {
		s.timer.Reset(patience)
		return nil
	}
	s.giveUp()
	return s.take(ctx)
}

// release ends the use of the slot.
func (s *slot) release() {
	s.timer.Stop()
	s.giveUp()
}
