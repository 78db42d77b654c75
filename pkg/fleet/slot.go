package fleet

import (
	"context"
	"sync"
	"time"
)

const (
	// patience is how long a machine that does not answer may keep others from being asked. Most
	// answer sooner; among thousands, some hang.
	patience = 100 * time.Millisecond
	// mostAsked is how many machines are asked at the same time, with those that do not answer yet.
	mostAsked = 1000
)

// slot is the right to read the metrics of a machine. It is given up while the machine does not
// answer.
type slot struct {
	slots chan struct{}
	timer *time.Timer

	mu   sync.Mutex
	held bool
}

// takeSlot waits for a slot, of which there are as many as slots has room for.
func takeSlot(ctx context.Context, slots chan struct{}) (*slot, error) {
	s := &slot{slots: slots}
	if err := s.take(ctx); err != nil {
		return nil, err
	}
	s.timer = time.AfterFunc(patience, s.giveUp)
	return s, nil
}

func (s *slot) take(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = true
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

// resume waits for a slot again if it was given up. Then it is kept until release.
func (s *slot) resume(ctx context.Context) error {
	s.timer.Stop()
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held {
		return nil
	}
	return s.take(ctx)
}

// release ends the use of the slot.
func (s *slot) release() {
	s.timer.Stop()
	s.giveUp()
}
