package neco

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryWithSleep(t *testing.T) {
	fail := errors.New("fail")
	cases := map[string]struct {
		failures, max int
		calls         int
		err           error
		took          time.Duration
	}{
		"succeeds at once":         {0, 3, 1, nil, 0},
		"succeeds after failures":  {2, 3, 3, nil, 2 * time.Minute},
		"gives up after max calls": {9, 3, 3, fail, 2 * time.Minute},
		"calls at least once":      {9, 0, 1, fail, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, logged := 0, 0
				start := time.Now()
				err := RetryWithSleep(t.Context(), c.max, time.Minute, func(context.Context) error {
					if calls++; calls <= c.failures {
						return fail
					}
					return nil
				}, func(error) { logged++ })
				if err != c.err || calls != c.calls || logged != min(c.failures, c.calls) || time.Since(start) != c.took {
					t.Errorf("err %v, %d calls, %d logged, took %v", err, calls, logged, time.Since(start))
				}
			})
		})
	}
}

func TestSleepContextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		start := time.Now()
		if err := SleepContext(ctx, time.Hour); err != stop || time.Since(start) != time.Second {
			t.Errorf("SleepContext = %v after %v", err, time.Since(start))
		}
		if err := SleepContext(ctx, 0); err != stop {
			t.Errorf("SleepContext with an ended context = %v", err)
		}
		if err := SleepContext(t.Context(), time.Second); err != nil {
			t.Errorf("SleepContext = %v", err)
		}
	})
}
