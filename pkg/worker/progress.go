package worker

import (
	"sync"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// progressAfter is how long an action must report the same progress text before the
// worker writes it to the status. A shorter wait does not justify a write to etcd.
const progressAfter = 2 * time.Second

// waitsForTurn is the progress of a worker that waits for the lock, which another boot
// server holds.
const waitsForTurn = "waiting for its turn; one boot server at a time"

// progress holds the text that an action reports as its progress. Its methods may be
// called concurrently.
type progress struct {
	changed chan struct{}

	mu    sync.Mutex
	text  string
	since time.Time
}

func newProgress() *progress { return &progress{changed: make(chan struct{}, 1)} }

// set replaces the text. If the text has changed, set wakes the worker's main loop.
func (p *progress) set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == p.text {
		return
	}
	p.text, p.since = text, time.Now()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *progress) get() (text string, since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text, p.since
}

// changed returns a channel that receives a value when the progress of the action has
// changed, or nil if no action runs.
func (t *task) changed() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.progress.changed
}

// progress returns the text about what the current action or the lock is waiting for,
// once the text has been the same for progressAfter. Before that it returns "" and, as
// due, the remaining time; both are zero if there is no text.
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

// progressDue returns the time until the status has to show a new progress text, or
// relist if there is none.
func (w *worker) progressDue(r *session) time.Duration {
	if _, due := w.progress(r); due > 0 {
		return due
	}
	return relist
}
