package worker

import (
	"sync"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// progressAfter is how long a text must stand before the status shows it: a
// short wait is worth no write to etcd.
const progressAfter = 2 * time.Second

// waitsForTurn is shown while other boot servers are before this one.
const waitsForTurn = "waiting for its turn; one boot server at a time"

// progress is what an action says about itself. Its methods may be called
// concurrently.
type progress struct {
	told chan struct{}

	mu    sync.Mutex
	text  string
	since time.Time
}

func newProgress() *progress { return &progress{told: make(chan struct{}, 1)} }

// set replaces the text, and wakes the main loop if it is new.
func (p *progress) set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == p.text {
		return
	}
	p.text, p.since = text, time.Now()
	select {
	case p.told <- struct{}{}:
	default:
	}
}

func (p *progress) get() (text string, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.since
}

// told receives when an action has new progress. It is nil while none runs.
func (t *task) told() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.progress.told
}

// progress returns what the action in hand, or its turn, waits for, once that has
// stood long enough; otherwise due is the time until then, 0 if there is nothing.
func (w *worker) progress(r *session) (text string, due time.Duration) {
	since := time.Time{}
	switch {
	case w.task != nil:
		text, since = w.task.progress.get()
	case r.lock.state() == update.LockWaiting:
		text, since = waitsForTurn, r.lock.since
	}
	if text == "" {
		return "", 0
	}
	if left := progressAfter - time.Since(since); left > 0 {
		return "", left
	}
	return text, 0
}

// progressDue is the time until a text is to be shown.
func (w *worker) progressDue(r *session) time.Duration {
	if _, due := w.progress(r); due > 0 {
		return due
	}
	return relist
}
