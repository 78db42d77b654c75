package kills_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	kills "github.com/cybozu-go/neco/dctest/suites/bootstrap-kills"
	"github.com/cybozu-go/neco/pkg/setup"
)

func TestEveryStageIsHitOnEveryServer(t *testing.T) {
	all := kills.Cases([]int{0, 1, 2}, "x")
	if want := 4 * len(setup.Stages()); len(all) != want {
		t.Errorf("%d cases, want %d", len(all), want)
	}
	seen := map[kills.Case]bool{}
	for _, c := range all {
		seen[kills.Case{Stage: c.Stage, LRN: c.LRN, PowerCut: c.PowerCut}] = true
	}
	if len(seen) != len(all) {
		t.Errorf("%d different cases of %d", len(seen), len(all))
	}
}

func TestTheSameSeedDrawsTheSameCases(t *testing.T) {
	all := kills.Cases([]int{0, 1, 2}, "x")
	if diff := cmp.Diff(kills.Draw(all, 6, "a"), kills.Draw(all, 6, "a")); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(kills.Draw(all, 6, "a"), kills.Draw(all, 6, "b")) {
		t.Error("another seed draws the same")
	}
}
