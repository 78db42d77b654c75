package neco

import (
	"context"
	"time"
)

// RetryWithSleep calls f up to max times, and at least once, until it returns
// nil. After each failure logger, if not nil, is told the error; between two
// calls it blocks for d. It returns the last error of f, or the cause of ctx's
// end if that comes first.
func RetryWithSleep(ctx context.Context, max int, d time.Duration, f func(ctx context.Context) error, logger func(err error)) error {
	for i := 1; ; i++ {
		err := f(ctx)
		if err == nil {
			return nil
		}
		if logger != nil {
			logger(err)
		}
		if i >= max {
			return err
		}
		if err := SleepContext(ctx, d); err != nil {
			return err
		}
	}
}

// SleepContext blocks for d and returns nil, or returns the cause of ctx's end
// as soon as ctx ends.
func SleepContext(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
