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

// How long the renewer sleeps.
const (
	// shortest is between any two looks.
	shortest = time.Second
	// longest is when nothing is due: files may be changed by others.
	longest = time.Hour
	// spread is by how much servers that were set up together differ.
	spread = 0.05
	// afterEnd is between tries when a certificate has expired.
	afterEnd = time.Minute
	// part of what is left of a certificate's life is waited for at most
	// between tries.
	part = 20
	// busyPause is how soon the end of an update is looked for.
	busyPause = 30 * time.Second
)

// pace decides when to look again.
type pace struct {
	retry *backoff.ExponentialBackOff
}

// sleep waits until the next certificate is due or, after a failure, a growing
// time, so that there are many tries in what is left of its life.
func (p *pace) sleep(ctx context.Context, leaves []pki.Leaf, err error) {
	if p.retry == nil {
		p.retry = backoff.NewExponentialBackOff()
		p.retry.InitialInterval, p.retry.MaxInterval = shortest, longest
	}
	d := untilDue(leaves)
	switch {
	case errors.Is(err, ErrBusy):
		d = min(busyPause, patience(leaves))
	case err != nil:
		d = min(p.retry.NextBackOff(), patience(leaves))
	default:
		p.retry.Reset()
	}
	d = max(d, shortest)
	// Its only error is the end of ctx.
	_ = neco.SleepContext(ctx, d+time.Duration(rand.Float64()*spread*float64(d)))
}

// untilDue is the time until the first certificate is due.
func untilDue(leaves []pki.Leaf) time.Duration {
	next := longest
	for _, l := range leaves {
		if !l.NotAfter.IsZero() {
			next = min(next, l.Left-l.NotAfter.Sub(l.DueAt))
		}
	}
	return next
}

// patience is the longest pause between tries.
func patience(leaves []pki.Leaf) time.Duration {
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
