package statesetter

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// TypeLabel is the label of a machine in sabakan with the name of its type.
	TypeLabel = "machine-type"
	// FailedUnitsTag is the tag of a serf member with the names of its failed units.
	FailedUnitsTag = "systemd-units-failed"
	// alive is the status of a serf member that answers.
	alive = "alive"
)

// Member is a member of serf.
type Member struct {
	// Status is the status in the words of serf, such as alive and failed.
	Status string
	Tags   map[string]string
}

// Sample is one series of a metric.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Observation is what was observed of one machine.
type Observation struct {
	// Members are the members of serf with the address of the machine. There should be one.
	Members []Member
	// Asked reports whether the metrics of the machine matter.
	Asked bool
	// Samples are the metrics of the machine by name.
	Samples map[string][]Sample
	// NoMetrics is the reason why the metrics were not read; empty: they were, or were not asked for.
	NoMetrics string
	// Alarm is the verdict of the alerts about the machine; nil: there are none.
	Alarm *Verdict
}

// Verdict is the state that a machine should have, and the reason in words for people.
type Verdict struct {
	// State is Healthy, Unhealthy or Unreachable, or empty: nothing can be said.
	State  sabakan.State
	Reason string
	// Skipped means that the machine was not observed this time: nothing new is known.
	Skipped bool
	// AtOnce means that the state does not need to be observed for some time first.
	AtOnce bool
}

// Judged reports whether machines in this state are judged. Others are in the hands of
// operators or of CKE.
func Judged(s sabakan.State) bool {
	switch s {
	case sabakan.Uninitialized, sabakan.Healthy, sabakan.Unhealthy, sabakan.Unreachable:
		return true
	}
	return false
}

// NeedsMetrics reports whether the verdict about the machine m depends on its metrics, after its
// members were observed.
func (c Config) NeedsMetrics(m sabakan.Machine, o Observation) bool {
	_, _, ok := reachable(o.Members)
	return ok && o.Alarm == nil && len(c.Types[m.Spec.Labels[TypeLabel]].Metrics) > 0
}

// MetricsOf returns the names of the metrics on which the verdict about the machine m depends.
func (c Config) MetricsOf(m sabakan.Machine) []string {
	var names []string
	for _, metric := range c.Types[m.Spec.Labels[TypeLabel]].Metrics {
		names = append(names, metric.Name)
	}
	return names
}

// Judge returns the state that the machine m should have. It neither considers the state that
// m has nor how long the observation has been true.
func (c Config) Judge(m sabakan.Machine, o Observation) Verdict {
	if o.Alarm != nil && o.Alarm.State == sabakan.Unreachable {
		return *o.Alarm
	}
	member, v, ok := reachable(o.Members)
	switch {
	case !ok:
		return v
	case o.Alarm != nil:
		return *o.Alarm
	}
	failed, known := member.Tags[FailedUnitsTag]
	if failed != "" {
		return unhealthy("failed units: %s", failed)
	}
	name := m.Spec.Labels[TypeLabel]
	t, ok := c.Types[name]
	switch {
	case name == "":
		return unhealthy("the machine has no label %s in sabakan", TypeLabel)
	case !ok:
		return unhealthy("the configuration has no machine type %s", name)
	case len(t.Metrics) > 0 && o.NoMetrics != "":
		return unhealthy("no metrics: %s", o.NoMetrics)
	}
	for _, metric := range t.Metrics {
		if reason := metric.broken(o.Samples[metric.Name]); reason != "" {
			return unhealthy("%s", reason)
		}
	}
	if !known {
		return Verdict{Reason: "the machine has not reported its units to serf yet: the tag " + FailedUnitsTag + " is missing"}
	}
	return Verdict{State: sabakan.Healthy, Reason: "units and hardware are good"}
}

// reachable returns the member of a machine that answers. If there is not exactly one, ok is
// false and v is the verdict.
func reachable(members []Member) (member Member, v Verdict, ok bool) {
	live := Living(members)
	switch {
	case len(members) == 0:
		return Member{}, Verdict{State: sabakan.Unreachable, Reason: "serf has no member with the address of the machine"}, false
	case len(live) == 0:
		return Member{}, Verdict{State: sabakan.Unreachable, Reason: "the member of serf is " + members[0].Status}, false
	case len(live) > 1:
		return Member{}, Verdict{Reason: fmt.Sprintf("serf has %d living members with the address of the machine", len(live))}, false
	}
	return live[0], Verdict{}, true
}

// Living returns those of the members that answer.
func Living(members []Member) []Member {
	var live []Member
	for _, m := range members {
		if m.Status == alive {
			live = append(live, m)
		}
	}
	return live
}

// Tag returns a tag of the living member among members, or else of the first one, or "".
func Tag(members []Member, name string) string {
	if m, _, ok := reachable(members); ok {
		return m.Tags[name]
	}
	if len(members) == 0 {
		return ""
	}
	return members[0].Tags[name]
}

func unhealthy(format string, args ...any) Verdict {
	return Verdict{State: sabakan.Unhealthy, Reason: fmt.Sprintf(format, args...)}
}

// broken returns why the condition m does not hold for all series of its metric, or "".
func (m Metric) broken(all []Sample) string {
	if len(all) == 0 {
		return fmt.Sprintf("metric %s is missing", m.Name)
	}
	var selected, bad []Sample
	for _, s := range all {
		if !m.selects(s) {
			continue
		}
		selected = append(selected, s)
		if s.Value != 0 { // also true for NaN
			bad = append(bad, s)
		}
	}
	healthy := len(selected) - len(bad)
	switch {
	case len(selected) == 0:
		return fmt.Sprintf("metric %s%s has no series", m.Name, m.selector())
	case m.MinHealthy > 0 && healthy < m.MinHealthy:
		return fmt.Sprintf("%d of %d series of metric %s%s are healthy, fewer than %d", healthy, len(selected), m.Name, m.selector(), m.MinHealthy)
	case m.MinHealthy == 0 && len(bad) > 0:
		return fmt.Sprintf("metric %s%s is %v", m.Name, labels(bad[0]), bad[0].Value)
	}
	return ""
}

// selects reports whether the condition m is about the series s.
func (m Metric) selects(s Sample) bool {
	for name, value := range m.Labels {
		if s.Labels[name] != value {
			return false
		}
	}
	for name, prefix := range m.Prefixes {
		value, ok := s.Labels[name]
		if !ok || !strings.HasPrefix(value, prefix) {
			return false
		}
	}
	return true
}

// labels returns the labels of s in the format of Prometheus.
func labels(s Sample) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		all = append(all, fmt.Sprintf("%s=%q", name, s.Labels[name]))
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ", ") + "}"
}
