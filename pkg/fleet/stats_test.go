package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// gauges returns the values of the gauges of g by name and label.
func gauges(g prometheus.Gatherer) (map[string]float64, error) {
	families, err := g.Gather()
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			if m.Gauge != nil && f.GetName() != "neco_state_setter_last_round_timestamp_seconds" {
				all[name] = m.Gauge.GetValue()
			}
		}
	}
	return all, err
}

func TestTheMetricsOfALeaderAreAboutMachines(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	for _, s := range []string{"a", "b", "c"} {
		w.must(w.sabakan.SetState(t.Context(), s, sabakan.Healthy))
	}
	w.set(w.broken, true, "b")
	registry := prometheus.NewRegistry()
	o := w.options("boot-0", time.Hour)
	o.Stats = fleet.NewStats(registry)
	stop := w.keep(o)
	want := map[string]float64{
		"neco_state_setter_leader": 1, "neco_state_setter_machines healthy": 3, "neco_state_setter_machines_bad unhealthy": 1,
		"neco_state_setter_machines_skipped": 0, "neco_state_setter_machines_waiting": 0,
	}
	w.await("metrics of a broken machine", func() error {
		got, err := gauges(registry)
		if diff := cmp.Diff(want, got); err == nil && diff != "" {
			err = fmt.Errorf("(-want +got):\n%s", diff)
		}
		return err
	})
	stop()
	got, err := gauges(registry)
	w.must(err)
	if diff := cmp.Diff(map[string]float64{"neco_state_setter_leader": 0}, got); diff != "" {
		t.Errorf("after the leadership (-want +got):\n%s", diff)
	}
}
