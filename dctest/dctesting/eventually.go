package dctesting

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// poll is the interval between checks. They are needed because the checked systems send
// no notifications.
const poll = 200 * time.Millisecond

// Eventually calls ask every 200 ms until ask returns nil. It fails after limit, or when
// ctx ends, with an error that contains what, a description of the awaited condition, and
// the last error of ask. The context of ask ends after limit, too.
func Eventually(ctx context.Context, limit time.Duration, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	var last error
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // once ctx has ended, err may be only that
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(context.Cause(ctx), last))
		case <-tick.C:
		}
	}
}

// EventuallyHealthy blocks until all links are up and all BGP sessions are established,
// and fails after limit.
func (d *DC) EventuallyHealthy(ctx context.Context, limit time.Duration) error {
	return Eventually(ctx, limit, "all links and sessions", func(ctx context.Context) error {
		st, err := d.Status(ctx)
		if err == nil && !st.Healthy() {
			err = fmt.Errorf("data centre %s is not healthy", d.Name)
		}
		return err
	})
}
