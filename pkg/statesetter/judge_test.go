package statesetter_test

import (
	"math"
	"testing"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// types has a type without metrics, and one with three conditions.
var types = statesetter.Config{Types: map[string]statesetter.MachineType{
	"plain": {},
	"server": {Metrics: []statesetter.Metric{
		{Name: "cpu"},
		{Name: "drive", Prefixes: map[string]string{"device": "Disk."}, MinHealthy: 2},
		{Name: "fan", Labels: map[string]string{"side": "left"}},
	}},
}}

// machine returns a machine of a type in a state.
func machine(serial, kind string, rack int, state sabakan.State) sabakan.Machine {
	m := sabakan.Machine{Spec: sabakan.Spec{Serial: serial, Rack: rack}, Status: sabakan.Status{State: state}}
	if kind != "" {
		m.Spec.Labels = map[string]string{statesetter.TypeLabel: kind}
	}
	return m
}

// member returns a member of serf whose units are in the state failed.
func member(status, failed string) statesetter.Member {
	return statesetter.Member{Status: status, Tags: map[string]string{statesetter.FailedUnitsTag: failed}}
}

func drive(device string, value float64) statesetter.Sample {
	return statesetter.Sample{Labels: map[string]string{"device": device}, Value: value}
}

// good returns metrics with which all conditions of the type server hold.
func good() map[string][]statesetter.Sample {
	return map[string][]statesetter.Sample{
		"cpu":   {{Value: 0}, {Value: 0}},
		"drive": {drive("Disk.1", 0), drive("Disk.2", 0), drive("Disk.3", 2), drive("NVMe.1", 2)},
		"fan":   {{Labels: map[string]string{"side": "left"}}, {Labels: map[string]string{"side": "right"}, Value: 2}},
	}
}

// with returns the good metrics with another value for one of them.
func with(name string, samples ...statesetter.Sample) map[string][]statesetter.Sample {
	all := good()
	all[name] = samples
	return all
}

func TestJudge(t *testing.T) {
	fine := []statesetter.Member{member("alive", "")}
	untagged := []statesetter.Member{{Status: "alive"}}
	for title, tt := range map[string]struct {
		kind   string
		seen   statesetter.Observation
		state  sabakan.State
		reason string
	}{
		"no member":                  {"server", statesetter.Observation{Samples: good()}, sabakan.Unreachable, "serf has no member with the address of the machine"},
		"failed member":              {"server", statesetter.Observation{Members: []statesetter.Member{member("failed", "")}, Samples: good()}, sabakan.Unreachable, "the member of serf is failed"},
		"left member, failed units":  {"plain", statesetter.Observation{Members: []statesetter.Member{member("left", "a.service")}}, sabakan.Unreachable, "the member of serf is left"},
		"two members, one living":    {"plain", statesetter.Observation{Members: []statesetter.Member{member("failed", "x"), member("alive", "")}}, sabakan.Healthy, "units and hardware are good"},
		"two living members":         {"plain", statesetter.Observation{Members: []statesetter.Member{member("alive", "x"), member("alive", "")}}, "", "serf has 2 living members with the address of the machine"},
		"failed units":               {"server", statesetter.Observation{Members: []statesetter.Member{member("alive", "a.service,b.service")}, Samples: good()}, sabakan.Unhealthy, "failed units: a.service,b.service"},
		"failed units, unknown type": {"x", statesetter.Observation{Members: []statesetter.Member{member("alive", "a.service")}}, sabakan.Unhealthy, "failed units: a.service"},
		"no type":                    {"", statesetter.Observation{Members: fine}, sabakan.Unhealthy, "the machine has no label machine-type in sabakan"},
		"unknown type":               {"x", statesetter.Observation{Members: fine, Samples: good()}, sabakan.Unhealthy, "the configuration has no machine type x"},
		"no metrics":                 {"server", statesetter.Observation{Members: fine, NoMetrics: "connection refused"}, sabakan.Unhealthy, "no metrics: connection refused"},
		"no metrics, none are asked": {"plain", statesetter.Observation{Members: fine, NoMetrics: "connection refused"}, sabakan.Healthy, "units and hardware are good"},
		"metric missing":             {"server", statesetter.Observation{Members: fine, Samples: with("cpu")}, sabakan.Unhealthy, "metric cpu is missing"},
		"one series is bad":          {"server", statesetter.Observation{Members: fine, Samples: with("cpu", drive("0", 0), drive("1", 2))}, sabakan.Unhealthy, `metric cpu{device="1"} is 2`},
		"no value is null":           {"server", statesetter.Observation{Members: fine, Samples: with("cpu", statesetter.Sample{Value: -1})}, sabakan.Unhealthy, "metric cpu is -1"},
		"not a number":               {"server", statesetter.Observation{Members: fine, Samples: with("cpu", statesetter.Sample{Value: math.NaN()})}, sabakan.Unhealthy, "metric cpu is NaN"},
		"none is selected":           {"server", statesetter.Observation{Members: fine, Samples: with("fan", drive("x", 0))}, sabakan.Unhealthy, `metric fan{side="left"} has no series`},
		"no prefix is selected":      {"server", statesetter.Observation{Members: fine, Samples: with("drive", drive("NVMe.1", 0))}, sabakan.Unhealthy, `metric drive{device="Disk."…} has no series`},
		"fewer than the minimum":     {"server", statesetter.Observation{Members: fine, Samples: with("drive", drive("Disk.1", 0), drive("Disk.2", 1), drive("Disk.3", 2))}, sabakan.Unhealthy, `1 of 3 series of metric drive{device="Disk."…} are healthy, fewer than 2`},
		"bad metric, untagged":       {"server", statesetter.Observation{Members: untagged, Samples: with("cpu")}, sabakan.Unhealthy, "metric cpu is missing"},
		"untagged":                   {"server", statesetter.Observation{Members: untagged, Samples: good()}, "", "the machine has not reported its units to serf yet: the tag systemd-units-failed is missing"},
		"good":                       {"server", statesetter.Observation{Members: fine, Samples: good()}, sabakan.Healthy, "units and hardware are good"},
	} {
		got := types.Judge(machine("1", tt.kind, 0, sabakan.Healthy), tt.seen)
		if want := (statesetter.Verdict{State: tt.state, Reason: tt.reason}); got != want {
			t.Errorf("%s: %+v, want %+v", title, got, want)
		}
	}
}
