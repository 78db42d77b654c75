package release

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Limits are the limits of a download, and the digest of its file. A zero field means the
// default of the field.
type Limits struct {
	// MaxBytes is the largest accepted size of the file; the default is 2 GiB.
	MaxBytes int64
	// StallTimeout is how long a server may send nothing before an attempt fails; the
	// default is 30 s.
	StallTimeout time.Duration
	// Attempts is the maximum number of attempts; the default is 5.
	Attempts int
	// MinBackoff and MaxBackoff bound the pause between two attempts; the defaults are 1
	// s and 1 min. The pauses grow and have a random part.
	MinBackoff, MaxBackoff time.Duration
	// MaxRetryAfter is the longest pause that a server may ask for; the default is 5 min.
	// If it asks for a longer one, the download fails.
	MaxRetryAfter time.Duration
	// SHA256 is the digest that the file must have, in lower-case hex. By default the file
	// may have any. A file with another digest is removed, and is not downloaded again.
	SHA256 string
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

// backoff returns the pauses between attempts.
func (l Limits) backoff() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = l.MinBackoff, l.MaxBackoff
	return b
}
