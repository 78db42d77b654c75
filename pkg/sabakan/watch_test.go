package sabakan

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// slowReader is a reader that gives one byte an hour.
type slowReader struct{}

// Read implements io.Reader.
func (slowReader) Read(p []byte) (int, error) {
	time.Sleep(time.Hour)
	return copy(p, "x"), nil
}

func TestAWatchEndsAnUploadOnlyWhileSabakanHasToReact(t *testing.T) {
	for name, tt := range map[string]struct {
		reads int
		limit time.Duration
		want  string
	}{
		"before the first byte":  {0, 2 * time.Minute, "sabakan takes no data for 2m0s"},
		"in the middle":          {2, 2 * time.Minute, "sabakan takes no data for 2m0s"},
		"after the last byte":    {3, 10 * time.Minute, "sabakan has all data and does not answer within 10m0s"},
		"after the end of bytes": {4, 10 * time.Minute, "sabakan has all data and does not answer within 10m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, w := startWatch(t.Context(), 2*time.Minute, 10*time.Minute, 3)
				defer w.stop()
				body := watched{io.NopCloser(slowReader{}), w}
				for range tt.reads {
					time.Sleep(2*time.Minute - 1)
					if _, err := body.Read(make([]byte, 1)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(tt.limit - 1)
				synctest.Wait()
				if ctx.Err() != nil {
					t.Fatalf("it ends early: %v", context.Cause(ctx))
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				if got := context.Cause(ctx); got == nil || got.Error() != tt.want {
					t.Errorf("it ends with %v, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestAReadAfterTheEndOfAnUploadStartsNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, w := startWatch(t.Context(), time.Minute, time.Minute, 3)
		w.stop()
		if _, err := (watched{io.NopCloser(slowReader{}), w}).Read(make([]byte, 1)); err != nil || w.timer != nil {
			t.Errorf("error %v, timer %v", err, w.timer)
		}
		if got := context.Cause(ctx); !errors.Is(got, context.Canceled) {
			t.Errorf("the upload has ended with %v", got)
		}
	})
}
