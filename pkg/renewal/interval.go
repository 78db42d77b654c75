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

// These constants determine the pause between two passes of the renewer. A pass checks
// all certificates and renews those that are due.
const (
	// shortest is the minimum length of a pause.
	shortest = time.Second
	// longest is the maximum length of a pause. It applies even if no certificate is
	// due, because other programs may change the files.
	longest = time.Hour
	// spread is the maximum of the random time, as a share of the pause, that is added
	// to a pause. It keeps servers that were set up together from renewing at the same
	// time.
	spread = 0.05
	// afterEnd is the maximum length of a pause while a certificate is expired or
	// absent.
	afterEnd = time.Minute
	// part is the divisor for the maximum pause while a certificate is due for renewal:
	// the pause is at most the time until that certificate expires, divided by part.
	part = 20
	// busyPause is the length of a pause while an update keeps the server from
	// renewing.
	busyPause = 30 * time.Second
)

// interval determines the pause between two passes of the renewer.
type interval struct {
	retry *backoff.ExponentialBackOff
}

// sleep blocks until the first certificate in leaves is due, or until ctx ends. After a
// failed pass, whose error is err, it sleeps for a time that grows with each failure,
// at most maxPause, so that many attempts remain before a certificate expires.
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

// untilDue returns the time until the first certificate in leaves is due, at most
// longest.
func untilDue(leaves []pki.Leaf) time.Duration {
	next := longest
	for _, l := range leaves {
		if !l.NotAfter.IsZero() {
			next = min(next, l.Left-l.NotAfter.Sub(l.DueAt))
		}
	}
	return next
}

// maxPause returns the longest pause after a failed pass. It depends on when the
// certificates in leaves expire.
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
