package neco

import (
	"context"
	"time"
)

// RetryWithSleep calls f until it returns nil, up to max times and at least once. After
// each failure it passes the error to logger, unless logger is nil; between two calls
// it blocks for d. It returns the last error of f, or the cause of ctx's end if ctx
// ends first.
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

// SleepContext blocks for d and returns nil. If ctx ends first, it returns the cause of
// ctx's end.
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
