package setup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/setup/meet"
)

func TestABarrierOpensWhenTheLastHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPeers()
		b.arrive(0, Position{Stage: 3})
		b.arrive(1, Position{Stage: 5})
		var told [][]int
		done := make(chan error)
		go func() {
			done <- b.await(t.Context(), []int{0, 1, 2}, Position{Stage: 3}, func(late []int) { told = append(told, late) })
		}()
		b.arrive(2, Position{Stage: 2})
		time.Sleep(2 * hold)
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("it opened early: %v", err)
		default:
		}
		b.arrive(2, Position{Stage: 3})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([][]int{{2}}, told); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhoStartsOverIsLateAgain(t *testing.T) {
	b := newPeers()
	for lrn := range 3 {
		b.arrive(lrn, Position{Stage: 7})
	}
	b.arrive(1, Position{})
	if late, _ := b.late([]int{0, 1, 2}, Position{Stage: 7}); !cmp.Equal(late, []int{1}) {
		t.Errorf("late: %v", late)
	}
}

func TestWhoArrivesIsNotRefusedAnyMore(t *testing.T) {
	b := newPeers()
	if !b.refuse(1, meet.WrongToken) || b.refuse(1, meet.WrongToken) || !b.refuse(1, meet.OtherServers) {
		t.Error("reported a reason that is not new, or did not report a new one")
	}
	b.arrive(1, Position{Stage: 1})
	if got := b.describe([]int{1}); got != "1 (at meet)" {
		t.Error(got)
	}
}

func TestTheLeadersPartComesBeforeTheOthers(t *testing.T) {
	b := newPeers()
	b.arrive(0, Position{Stage: 4})
	if late, _ := b.late([]int{0}, Position{Stage: 4, Led: true}); len(late) != 1 {
		t.Error("the leader's part counts as done when it has arrived")
	}
	b.arrive(0, Position{Stage: 4, Led: true})
	if late, _ := b.late([]int{0}, Position{Stage: 4, Led: true}); len(late) != 0 {
		t.Error("the leader's part is done")
	}
}

func TestAWaitThatEndsNamesWhoIsMissingAndWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newPeers()
		b.arrive(0, Position{Stage: 4})
		b.arrive(1, Position{Stage: 1})
		b.refuse(3, meet.WrongToken)
		ctx, cancel := withDeadline(t.Context(), time.Minute, "the other boot servers")
		defer cancel()
		err := b.await(ctx, []int{0, 1, 2, 3}, Position{Stage: 4}, nil)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		for _, want := range []string{"1 (at meet)", "2 (never seen)", "3 (refused: TokenInvalid: the leader has another setup token)", "took longer than 1m"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %q", want, err)
			}
		}
	})
}
