package liveness_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/pkg/liveness"
)

func TestAPulseIsAliveAsLongAsItBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := liveness.New(10 * time.Second)
		stalled := make(chan error, 1)
		began := time.Now()
		go func() { stalled <- p.AwaitStall(t.Context()) }()
		for range 5 {
			time.Sleep(9 * time.Second)
			if !p.Alive() {
				t.Fatalf("stalled %s after the start, while it beats", time.Since(began))
			}
			p.Beat()
		}
		if err := <-stalled; !errors.Is(err, liveness.ErrStalled) {
			t.Errorf("AwaitStall: %v", err)
		}
		if after := time.Since(began); after != 55*time.Second {
			t.Errorf("stalled after %s, want 55s", after)
		}
		if p.Alive() {
			t.Error("alive without a beat")
		}
	})
}

func TestALongTurnIsAllowedWhenItIsAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := liveness.New(10 * time.Second)
		p.Allow(time.Minute)
		time.Sleep(69 * time.Second)
		if !p.Alive() {
			t.Error("stalled within the announced time")
		}
		time.Sleep(2 * time.Second)
		if p.Alive() {
			t.Error("alive after the announced time")
		}
		p.Suspend()
		time.Sleep(time.Hour)
		if !p.Alive() {
			t.Error("stalled while it is suspended")
		}
	})
}

func TestAwaitStallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := liveness.New(time.Minute).AwaitStall(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func ExamplePulse() {
	p := liveness.New(time.Minute)
	p.Beat()
	fmt.Println(p.Alive())
	// Output: true
}
