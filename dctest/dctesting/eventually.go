package dctesting

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// poll is the pause between two questions: those who are asked tell nobody by
// themselves.
const poll = 200 * time.Millisecond

// Eventually asks until there is no error, and returns the last one after the
// limit or when ctx ends, with the words of what was waited for.  Every question
// has what is left of the limit.
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
			last = err // not only that its time is over
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, errors.Join(context.Cause(ctx), last))
		case <-tick.C:
		}
	}
}

// EventuallyHealthy blocks until all links are up and all sessions established.
func (d *DC) EventuallyHealthy(ctx context.Context, limit time.Duration) error {
	return Eventually(ctx, limit, "all links and sessions", func(ctx context.Context) error {
		st, err := d.Status(ctx)
		if err == nil && !st.Healthy() {
			err = fmt.Errorf("data centre %s is not healthy", d.Name)
		}
		return err
	})
}
