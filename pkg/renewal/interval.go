package renewal

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
)

// Pauses between two passes of the renewer.
const (
	// shortest is the minimum.
	shortest = time.Second
	// longest is the maximum, also if nothing is due, because other programs may change
	// the files.
	longest = time.Hour
	// spread is the random share that is added, so that servers which were set up
	// together do not renew at the same time.
	spread = 0.05
	// afterEnd is the maximum when a certificate has expired or is absent.
	afterEnd = time.Minute
	// part divides the time until a due certificate expires; the quotient is the
	// maximum.
	part = 20
	// busyPause is the pause during an update.
	busyPause = 30 * time.Second
)

// interval determines the pauses between two passes.
type interval struct {
	retry *backoff.ExponentialBackOff
}

// sleep blocks until the next certificate is due or ctx ends.  After a failure it
// sleeps for a growing time, which is short enough for many attempts before the
// certificate expires.
func (i *interval) sleep(ctx context.Context, leaves []pki.Leaf, err error) {
	if i.retry == nil {
		i.retry = backoff.NewExponentialBackOff()
		i.retry.InitialInterval, i.retry.MaxInterval = shortest, longest
	}
	d := untilDue(leaves)
	switch {
	case errors.Is(err, ErrBusy):
		d = min(busyPause, maxPause(leaves))
	case err != nil:
		d = min(i.retry.NextBackOff(), maxPause(leaves))
	default:
		i.retry.Reset()
	}
	d = max(d, shortest)
	// The only error is the end of ctx.
	_ = neco.SleepContext(ctx, d+time.Duration(rand.Float64()*spread*float64(d)))
}

// untilDue returns the time until the first certificate is due, at most longest.
func untilDue(leaves []pki.Leaf) time.Duration {
	next := longest
	for _, l := range leaves {
		if !l.NotAfter.IsZero() {
			next = min(next, l.Left-l.NotAfter.Sub(l.DueAt))
		}
	}
	return next
}

// maxPause returns the maximum pause between two attempts.
func maxPause(leaves []pki.Leaf) time.Duration {
	longestPause := longest
	for _, l := range leaves {
		switch {
		case l.NotAfter.IsZero() || l.Left <= 0:
			longestPause = min(longestPause, afterEnd)
		case l.Due:
			longestPause = min(longestPause, l.Left/part)
		}
	}
	return max(longestPause, shortest)
}
