package fleet

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// StatsPort is the port on which sabakan-state-setter has its own metrics.
const StatsPort = 8213

// prefix is that of the names of all metrics.
const prefix = "neco_state_setter_"

// Stats are the metrics of a keeper of states. Those about machines exist only while it leads.
type Stats struct {
	leader, lastRound            prometheus.Gauge
	changes, retirements, rounds *prometheus.CounterVec
	took                         prometheus.Histogram
	fleet                        fleetStats
}

// NewStats returns metrics that are registered at r.
func NewStats(r prometheus.Registerer) *Stats {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	}
	s := &Stats{
		leader:      gauge("leader", "1 if this server leads, else 0."),
		lastRound:   gauge("last_round_timestamp_seconds", "When the last round was complete."),
		changes:     counters("changes_total", "Changes of states.", "state", "result"),
		retirements: counters("retirements_total", "Attempts to retire a machine.", "result"),
		rounds:      counters("rounds_total", "Rounds.", "result"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "round_duration_seconds", Help: "How long rounds took.", Buckets: prometheus.ExponentialBuckets(0.125, 2, 11),
		}),
	}
	r.MustRegister(s.leader, s.lastRound, s.changes, s.retirements, s.rounds, s.took, &s.fleet)
	return s
}

// fleetStats are the metrics about machines, which change all at once.
type fleetStats struct {
	mu  sync.Mutex
	now []prometheus.Metric
}

// series are the values of a metric about machines: by the value of its label or, if the name of
// that is "", one for "".
type series struct {
	name, help, label string
	values            map[string]int
}

// Describe implements prometheus.Collector. It describes nothing: which series there are depends on
// the machines.
func (f *fleetStats) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (f *fleetStats) Collect(to chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.now {
		to <- m
	}
}

func (f *fleetStats) set(all ...series) {
	var now []prometheus.Metric
	for _, s := range all {
		var labels []string
		if s.label != "" {
			labels = []string{s.label}
		}
		desc := prometheus.NewDesc(prefix+s.name, s.help, labels, nil)
		for label, n := range s.values {
			now = append(now, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), []string{label}[:len(labels)]...))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

// The values of the label result.
const (
	succeeded = "success"
	failed    = "failure"
)

func resultOf(err error) string {
	if err != nil {
		return failed
	}
	return succeeded
}

// round counts a round that began at began and has ended with err.
func (s *Stats) round(began time.Time, err error) {
	s.rounds.WithLabelValues(resultOf(err)).Inc()
	s.took.Observe(time.Since(began).Seconds())
	if err == nil {
		s.lastRound.SetToCurrentTime()
	}
}

// observed shows what a round has decided.
func (s *Stats) observed(all []statesetter.Judgement, o statesetter.Outcome, m statesetter.Memory, r statesetter.Retirement) {
	states, bad, held, skipped := map[string]int{}, map[string]int{}, map[string]int{}, 0
	for _, j := range all {
		states[string(j.Machine.Status.State)]++
		if j.Verdict.Skipped {
			skipped++
		}
	}
	for _, since := range m.Bad {
		bad[string(since.State)]++
	}
	for _, c := range o.Changes {
		if m.Bad[c.Serial].State == c.To { // it gets this state now
			bad[string(c.To)]--
		}
	}
	for _, c := range o.Closings {
		held[string(c.Cause)] += len(c.Held)
	}
	maps.DeleteFunc(bad, func(_ string, n int) bool { return n == 0 })
	s.fleet.set(
		series{"machines", "Machines by their state in sabakan.", "state", states},
		series{"machines_bad", "Machines that will get this state if nothing changes.", "state", bad},
		series{"machines_held", "Machines that are not changed, by the cause.", "cause", held},
		series{"machines_skipped", "Machines whose metrics were not read in time in the last round.", "", map[string]int{"": skipped}},
		series{"machines_waiting", "Retiring machines that wait for neco nodes approve.", "", map[string]int{"": r.Waiting}},
	)
}

// forget removes what is known about machines.
func (s *Stats) forget() { s.fleet.set() }
