package statesetter_test

import (
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestDecide(t *testing.T) {
	const no = sabakan.State("")
	c := statesetter.Config{Types: map[string]statesetter.MachineType{"quick": {Grace: 5 * time.Second}, "slow": {Grace: time.Hour}}}
	for title, tt := range map[string]struct {
		kind       string
		from       sabakan.State
		verdict    sabakan.State
		since      time.Duration // before now; 0: never
		want       sabakan.State
		remembered bool
	}{
		"healthy at once":                {"slow", sabakan.Uninitialized, sabakan.Healthy, 0, sabakan.Healthy, false},
		"healthy again":                  {"slow", sabakan.Unhealthy, sabakan.Healthy, time.Minute, sabakan.Healthy, false},
		"unreachable at once":            {"slow", sabakan.Healthy, sabakan.Unreachable, time.Minute, sabakan.Unreachable, false},
		"unhealthy for the first time":   {"quick", sabakan.Healthy, sabakan.Unhealthy, 0, no, true},
		"within the grace period":        {"slow", sabakan.Healthy, sabakan.Unhealthy, time.Hour, no, true},
		"after the grace period":         {"slow", sabakan.Healthy, sabakan.Unhealthy, time.Hour + time.Second, sabakan.Unhealthy, true},
		"a type without a grace period":  {"x", sabakan.Healthy, sabakan.Unhealthy, time.Hour, no, true},
		"the clock of another leader":    {"quick", sabakan.Healthy, sabakan.Unhealthy, -time.Hour, no, true},
		"from unreachable":               {"quick", sabakan.Unreachable, sabakan.Unhealthy, time.Minute, sabakan.Unhealthy, true},
		"the same state":                 {"slow", sabakan.Healthy, sabakan.Healthy, time.Minute, no, false},
		"nothing can be said":            {"slow", sabakan.Healthy, no, time.Minute, no, false},
		"never healthy, now unreachable": {"slow", sabakan.Uninitialized, sabakan.Unreachable, 0, no, false},
		"never healthy, now unhealthy":   {"quick", sabakan.Uninitialized, sabakan.Unhealthy, time.Minute, no, true},
		"updating":                       {"quick", sabakan.Updating, sabakan.Unreachable, 0, no, false},
		"retiring":                       {"quick", sabakan.Retiring, sabakan.Healthy, 0, no, false},
		"retired":                        {"quick", sabakan.Retired, sabakan.Unhealthy, time.Minute, no, false},
	} {
		since := time.Time{}
		if tt.since != 0 {
			since = now.Add(-tt.since)
		}
		change, ok, next := c.Decide(now, machine("1", tt.kind, 3, tt.from), statesetter.Verdict{State: tt.verdict, Reason: "because"}, since)
		want := statesetter.Change{}
		if tt.want != no {
			want = statesetter.Change{Serial: "1", Rack: 3, From: tt.from, To: tt.want, Reason: "because"}
		}
		if change != want || ok != (tt.want != no) {
			t.Errorf("%s: %+v, %v, want %+v", title, change, ok, want)
		}
		if next.IsZero() == tt.remembered || tt.since > 0 && tt.remembered && !next.Equal(since) || next.After(now) {
			t.Errorf("%s: remembered is %s, before %s", title, next, since)
		}
	}
}
