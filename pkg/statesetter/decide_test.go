package statesetter_test

import (
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// interval is the time between two rounds.
const interval = time.Minute

func TestAMachineGetsTheStateThatItIsJudgedToHave(t *testing.T) {
	const no = sabakan.State("")
	c := statesetter.Config{Types: map[string]statesetter.MachineType{"quick": {Grace: 5 * time.Second}, "slow": {Grace: time.Hour}}}
	for title, tt := range map[string]struct {
		kind    string
		from    sabakan.State
		verdict sabakan.State
		// before is the state in which the round before has judged it to be, and since is for how
		// long that was so.
		before sabakan.State
		since  time.Duration
		want   sabakan.State
		// remembered reports whether the next round knows that it was bad.
		remembered bool
	}{
		"healthy at once":                {"slow", sabakan.Uninitialized, sabakan.Healthy, no, 0, sabakan.Healthy, false},
		"healthy again":                  {"slow", sabakan.Unhealthy, sabakan.Healthy, sabakan.Unhealthy, time.Minute, sabakan.Healthy, false},
		"unreachable for the first time": {"slow", sabakan.Healthy, sabakan.Unreachable, no, 0, no, true},
		"unreachable for the second":     {"slow", sabakan.Healthy, sabakan.Unreachable, sabakan.Unreachable, time.Minute, sabakan.Unreachable, true},
		"unreachable after unhealthy":    {"slow", sabakan.Healthy, sabakan.Unreachable, sabakan.Unhealthy, time.Hour, no, true},
		"unhealthy for the first time":   {"quick", sabakan.Healthy, sabakan.Unhealthy, no, 0, no, true},
		"within the grace period":        {"slow", sabakan.Healthy, sabakan.Unhealthy, sabakan.Unhealthy, time.Hour, no, true},
		"after the grace period":         {"slow", sabakan.Healthy, sabakan.Unhealthy, sabakan.Unhealthy, time.Hour + time.Second, sabakan.Unhealthy, true},
		"a type without a grace period":  {"x", sabakan.Healthy, sabakan.Unhealthy, sabakan.Unhealthy, time.Hour, no, true},
		"from unreachable":               {"quick", sabakan.Unreachable, sabakan.Unhealthy, sabakan.Unhealthy, time.Minute, sabakan.Unhealthy, true},
		"the same state":                 {"slow", sabakan.Healthy, sabakan.Healthy, no, 0, no, false},
		"unreachable already":            {"slow", sabakan.Unreachable, sabakan.Unreachable, no, 0, no, false},
		"nothing can be said":            {"slow", sabakan.Healthy, no, sabakan.Unhealthy, time.Hour, no, false},
		"never healthy, now unreachable": {"slow", sabakan.Uninitialized, sabakan.Unreachable, sabakan.Unreachable, time.Minute, no, false},
		"never healthy, now unhealthy":   {"quick", sabakan.Uninitialized, sabakan.Unhealthy, sabakan.Unhealthy, time.Minute, no, false},
		"updating":                       {"quick", sabakan.Updating, sabakan.Unreachable, sabakan.Unreachable, time.Minute, no, false},
		"retiring":                       {"quick", sabakan.Retiring, sabakan.Healthy, no, 0, no, false},
		"retired":                        {"quick", sabakan.Retired, sabakan.Unhealthy, sabakan.Unhealthy, time.Minute, no, false},
	} {
		before := statesetter.Memory{At: now.Add(-interval)}
		if tt.before != no {
			before.Bad = map[string]statesetter.Since{"1": {State: tt.before, At: now.Add(-tt.since)}}
		}
		j := statesetter.Judgement{Machine: machine("1", tt.kind, 3, tt.from), Verdict: statesetter.Verdict{State: tt.verdict, Reason: "because"}}
		outcome, after := c.Round(now, interval, wide, []statesetter.Judgement{j}, before)
		want := statesetter.Change{Serial: "1", Rack: 3, From: tt.from, To: tt.want, Reason: "because"}
		if got := outcome.Changes; len(got) != 0 == (tt.want == no) || len(got) == 1 && got[0] != want {
			t.Errorf("%s: %+v, want %+v", title, got, want)
		}
		bad, remembered := after.Bad["1"]
		if remembered != tt.remembered || remembered && tt.before == tt.verdict && !bad.At.Equal(now.Add(-tt.since)) || bad.At.After(now) {
			t.Errorf("%s: remembered is %+v", title, after)
		}

		// A round in which the machine was not observed changes nothing and forgets nothing.
		j.Verdict = statesetter.Verdict{Skipped: true}
		outcome, skipped := c.Round(now, interval, wide, []statesetter.Judgement{j}, before)
		if statesetter.Judged(tt.from) && (len(outcome.Changes) > 0 || skipped.Bad["1"] != before.Bad["1"]) {
			t.Errorf("%s, skipped: %+v, remembered is %+v", title, outcome, skipped)
		}
	}
}

// TestNoTimePassesWhileNobodyObserves: neither a clock that was set nor days without a leader end a
// grace period or the interval of the valve.
func TestNoTimePassesWhileNobodyObserves(t *testing.T) {
	c := statesetter.Config{Types: map[string]statesetter.MachineType{"slow": {Grace: time.Hour}}}
	all := []statesetter.Judgement{{
		Machine: machine("1", "slow", 0, sabakan.Healthy), Verdict: statesetter.Verdict{State: sabakan.Unhealthy},
		Observation: statesetter.Observation{Members: []statesetter.Member{member("alive", "")}},
	}}
	for _, away := range []time.Duration{72 * time.Hour, 4 * interval, -72 * time.Hour} {
		last := now.Add(-away)
		before := statesetter.Memory{
			At: last, Bad: map[string]statesetter.Since{"1": {State: sabakan.Unhealthy, At: last.Add(-time.Minute)}},
			Worse:  map[string]statesetter.Made{"2": {Rack: 0, At: last.Add(-time.Minute)}},
			Closed: map[string]time.Time{"rack 7": last.Add(-time.Minute)},
		}
		outcome, after := c.Round(now, interval, valve, all, before)
		want := now.Add(-time.Minute - interval)
		if len(outcome.Changes) > 0 || !after.Bad["1"].At.Equal(want) || !after.Worse["2"].At.Equal(want) || !after.At.Equal(now) {
			t.Errorf("after %s: %+v, remembered is %+v, want %s", away, outcome, after, want)
		}
	}
}
