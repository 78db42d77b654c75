package reboot_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// TestNoFateBreaksTheBudget lets fleets be restarted by commands that are killed at random, with
// machines that do not come back.
func TestNoFateBreaksTheBudget(t *testing.T) {
	const seeds = 1000
	done, failed, stuck := 0, 0, 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newRun(t, seed)
			var s reboot.Step
			ended := false
			limit := r.now.Add(14 * 24 * time.Hour)
			for !ended {
				if s, ended = r.round(); r.now.After(limit) {
					t.Fatalf("not ended: %+v with %+v", s, r.Budget)
				}
				if !ended {
					r.pass()
				}
			}
			for _, b := range r.boxes {
				if b.resets > 1 {
					t.Errorf("%s was restarted %d times", b.Spec.Serial, b.resets)
				}
			}
			for _, f := range s.Failed {
				i := slices.IndexFunc(r.boxes, func(b *box) bool { return b.Spec.Serial == f.Serial })
				if b := r.boxes[i]; !b.dies && !b.sick && b.Status.State == sabakan.Healthy {
					t.Errorf("%s has failed: %v", f.Serial, f.Err)
				}
			}
			for _, i := range s.Progress.Done {
				if b := r.boxes[i]; b.resets != 1 || !b.well.IsZero() {
					t.Errorf("%s is done after %d restarts", b.Spec.Serial, b.resets)
				}
			}
			lost := len(r.GivenUp(s.Progress))
			if len(s.Progress.Done)+len(s.Failed)+lost+s.Left != len(r.boxes) || len(s.Failed) == 0 && s.Left > 0 {
				t.Errorf("%d done, %d failed, %d given up, %d left of %d", len(s.Progress.Done), len(s.Failed), lost, s.Left, len(r.boxes))
			}
			done, failed = done+len(s.Progress.Done), failed+len(s.Failed)
			if s.Left > 0 {
				stuck++
			}
		})
	}
	t.Logf("%d seeds: %d machines done, %d failed, %d runs stopped by failures", seeds, done, failed, stuck)
	if done == 0 || failed == 0 || stuck == 0 {
		t.Error("not all fates occur")
	}
}
