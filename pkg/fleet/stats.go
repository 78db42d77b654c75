package fleet

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// StatsPort is the port on which sabakan-state-setter has its own metrics.
const StatsPort = 8213

// Stats are the metrics of a keeper of states. Those about machines exist only while it leads.
type Stats struct {
	leader, skipped, waiting, lastRound prometheus.Gauge
	machines, bad, held                 *prometheus.GaugeVec
	changes, retirements, rounds        *prometheus.CounterVec
	took                                prometheus.Histogram
}

// NewStats returns metrics that are registered at r.
func NewStats(r prometheus.Registerer) *Stats {
	const prefix = "neco_state_setter_"
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	gauges := func(name, help, label string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, []string{label})
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	}
	s := &Stats{
		leader:      gauge("leader", "1 if this server leads, else 0."),
		skipped:     gauge("machines_skipped", "Machines whose metrics were not read in time in the last round."),
		waiting:     gauge("machines_waiting", "Retiring machines that wait for neco nodes approve."),
		lastRound:   gauge("last_round_timestamp_seconds", "When the last round was complete."),
		machines:    gauges("machines", "Machines by their state in sabakan.", "state"),
		bad:         gauges("machines_bad", "Machines that will get this state if nothing changes.", "state"),
		held:        gauges("machines_held", "Machines that are not changed, by the cause.", "cause"),
		changes:     counters("changes_total", "Changes of states.", "state", "result"),
		retirements: counters("retirements_total", "Attempts to retire a machine.", "result"),
		rounds:      counters("rounds_total", "Rounds.", "result"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: prefix + "round_duration_seconds", Help: "How long rounds took.", Buckets: prometheus.ExponentialBuckets(0.125, 2, 11),
		}),
	}
	r.MustRegister(s.leader, s.skipped, s.waiting, s.lastRound, s.machines, s.bad, s.held, s.changes, s.retirements, s.rounds, s.took)
	return s
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
	s.forget()
	skipped := 0
	for _, j := range all {
		s.machines.WithLabelValues(string(j.Machine.Status.State)).Inc()
		if j.Verdict.Skipped {
			skipped++
		}
	}
	for _, since := range m.Bad {
		s.bad.WithLabelValues(string(since.State)).Inc()
	}
	for _, c := range o.Closings {
		s.held.WithLabelValues(string(c.Cause)).Add(float64(len(c.Held)))
	}
	s.skipped.Set(float64(skipped))
	s.waiting.Set(float64(r.Waiting))
}

// forget removes what is known about machines.
func (s *Stats) forget() {
	for _, v := range []*prometheus.GaugeVec{s.machines, s.bad, s.held} {
		v.Reset()
	}
	s.skipped.Set(0)
	s.waiting.Set(0)
}
