package sabakan

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// silence is the error about a sabakan that has not reacted for too long.
type silence struct{ text string }

// Error implements error.
func (s silence) Error() string { return s.text }

// MayPass implements the interface of package retry.
func (silence) MayPass() bool { return true }

// noAnswer returns the error about a request that has no complete response after d.
func noAnswer(d time.Duration) error {
	return silence{fmt.Sprintf("sabakan does not answer within %s", d)}
}

// watch ends an upload in which sabakan takes no data for stall, or does not answer for
// answer after it has got all data. It is safe for concurrent use.
type watch struct {
	stall, answer time.Duration
	cancel        context.CancelCauseFunc

	mu sync.Mutex
	// timer runs while sabakan has to react. It is nil if the upload has ended.
	timer *time.Timer
	// left is the number of bytes that were not read yet.
	left int64
}

// startWatch starts to watch an upload of size bytes. The returned context ends with ctx, or
// with the reason why the watch ends the upload. The caller has to call stop.
func startWatch(ctx context.Context, stall, answer time.Duration, size int64) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{stall: stall, answer: answer, cancel: cancel, left: size}
	w.mu.Lock()
	defer w.mu.Unlock()
	limit, _ := w.limit()
	w.timer = time.AfterFunc(limit, w.expire)
	return ctx, w
}

// limit returns how long sabakan may take now, and the error if it takes longer.
func (w *watch) limit() (time.Duration, error) {
	if w.left > 0 {
		return w.stall, silence{fmt.Sprintf("sabakan takes no data for %s", w.stall)}
	}
	return w.answer, silence{fmt.Sprintf("sabakan has all data and does not answer within %s", w.answer)}
}

// expire ends the upload.
func (w *watch) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		_, late := w.limit()
		w.cancel(late)
	}
}

// pause stops the timer while sabakan does not have to react.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
}

// resume starts the timer again after n bytes were read, which sabakan has to take now.
func (w *watch) resume(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left -= int64(n)
	if w.timer != nil {
		limit, _ := w.limit()
		w.timer.Reset(limit)
	}
}

// stop ends the watch and its context. The transport may still read the body afterwards,
// which does not start the timer again.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer.Stop()
	w.timer = nil
	w.cancel(nil)
}

// watched is the body of a watched upload. The time in which the body itself is read, for
// example from a disk, does not count.
type watched struct {
	io.ReadCloser
	watch *watch
}

// Read implements io.Reader.
func (b watched) Read(p []byte) (int, error) {
	b.watch.pause()
	n, err := b.ReadCloser.Read(p)
	b.watch.resume(n)
	return n, err
}
