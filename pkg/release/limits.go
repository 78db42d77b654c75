package release

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Limits bound a download. A zero field takes its default.
type Limits struct {
	// MaxBytes is the largest size that is accepted, 2 GiB by default.
	MaxBytes int64
	// StallTimeout is how long a server may send nothing at all before the
	// attempt is given up, 30 s by default.
	StallTimeout time.Duration
	// Attempts is how often the server is asked, 5 by default.
	Attempts int
	// MinBackoff and MaxBackoff bound the wait between two attempts, 1 s and
	// 1 min by default. The waits grow and are spread at random.
	MinBackoff, MaxBackoff time.Duration
	// MaxRetryAfter is the longest wait that a server may ask for; one that
	// asks for more ends the download. It is 5 min by default.
	MaxRetryAfter time.Duration
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxBytes, 2<<30)
	setDefault(&l.StallTimeout, 30*time.Second)
	setDefault(&l.Attempts, 5)
	setDefault(&l.MinBackoff, time.Second)
	setDefault(&l.MaxBackoff, time.Minute)
	setDefault(&l.MaxRetryAfter, 5*time.Minute)
	return l
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// backoff returns the waits between attempts.
func (l Limits) backoff() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = l.MinBackoff, l.MaxBackoff
	return b
}
