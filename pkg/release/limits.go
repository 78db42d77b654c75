package release

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Limits bound a download. A zero field means its default.
type Limits struct {
	// MaxBytes is the largest accepted size, 2 GiB by default.
	MaxBytes int64
	// StallTimeout is how long a server may send nothing before the attempt fails, 30 s
	// by default.
	StallTimeout time.Duration
	// Attempts is the maximum number of attempts, 5 by default.
	Attempts int
	// MinBackoff and MaxBackoff bound the wait between two attempts, 1 s and 1 min by
	// default. The waits grow and have a random part.
	MinBackoff, MaxBackoff time.Duration
	// MaxRetryAfter is the longest wait that a server may ask for, 5 min by default. A
	// longer one ends the download.
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
