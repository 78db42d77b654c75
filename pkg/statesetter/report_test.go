package statesetter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// TestAReportIsTheSameWhileNothingChanges: machines that are skipped in one round are others than in
// the next one.
func TestAReportIsTheSameWhileNothingChanges(t *testing.T) {
	judged := func(serial string, s sabakan.State, v statesetter.Verdict) statesetter.Judgement {
		return statesetter.Judgement{Machine: machine(serial, "plain", 0, s), Verdict: v}
	}
	bad := statesetter.Verdict{State: sabakan.Unhealthy, Reason: "no metrics"}
	good := statesetter.Verdict{State: sabakan.Healthy, Reason: "good"}
	skipped := statesetter.Verdict{Skipped: true, Reason: "no time"}
	report := func(before statesetter.Report, a, b, c statesetter.Verdict) statesetter.Report {
		all := []statesetter.Judgement{
			judged("a", sabakan.Healthy, a), judged("b", sabakan.Unhealthy, b), judged("c", sabakan.Healthy, c),
			judged("d", sabakan.Retiring, statesetter.Verdict{Reason: "not judged"}), judged("e", sabakan.Retiring, statesetter.Verdict{}),
		}
		o := statesetter.Outcome{Closings: []statesetter.Closing{{Text: "rack 0 is closed"}}}
		return statesetter.NewReport(all, o, statesetter.Retirement{Stopped: []string{"too many"}}, map[string]string{"e": "no BMC"}, before)
	}
	want := statesetter.Report{
		Reasons: map[string][]string{"no metrics": {"a", "b"}, "no BMC": {"e"}},
		Held:    []string{"rack 0 is closed", "too many"},
	}
	first := report(statesetter.Report{}, bad, bad, good)
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, report(first, bad, skipped, skipped)); diff != "" {
		t.Errorf("with skipped machines (-want +got):\n%s", diff)
	}
}
