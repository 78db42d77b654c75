package worker

// result is the outcome of a goroutine.  It is delivered once and may be
// received any number of times, so that no receiver can take it away from
// another one.
type result[T any] struct {
	ready chan struct{}
	value T
}

func newResult[T any]() *result[T] { return &result[T]{ready: make(chan struct{})} }

// deliver sets the value.  It is called exactly once.
func (r *result[T]) deliver(v T) {
	r.value = v
	close(r.ready)
}

// wait blocks until the value was delivered.
func (r *result[T]) wait() T {
	<-r.ready
	return r.value
}
