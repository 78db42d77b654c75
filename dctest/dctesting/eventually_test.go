package dctesting

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAWaitEndsWithTheFactOrWithTheLastReasonAgainstIt(t *testing.T) {
	refused := errors.New("refused")
	for _, tc := range []struct {
		name  string
		after int
		want  error
	}{
		{"the fact is there", 0, nil},
		{"the fact comes", 5, nil},
		{"the fact does not come in time", 1000, refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				err := Eventually(t.Context(), 10*time.Second, "a fact", func(context.Context) error {
					if n++; n <= tc.after {
						return refused
					}
					return nil
				})
				if !errors.Is(err, tc.want) {
					t.Errorf("got %v, want %v", err, tc.want)
				}
				if tc.want != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v does not include the deadline", err)
				}
			})
		})
	}
}
