package worker

// result is the future result of a goroutine. The goroutine delivers a value once,
// which may be read any number of times.
type result[T any] struct {
	ready chan struct{}
	value T
}

func newResult[T any]() *result[T] { return &result[T]{ready: make(chan struct{})} }

// deliver sets the value and wakes all callers of wait. It must be called exactly once.
func (r *result[T]) deliver(v T) {
	r.value = v
	close(r.ready)
}

// wait blocks until the value is delivered, and returns it.
func (r *result[T]) wait() T {
	<-r.ready
	return r.value
}
