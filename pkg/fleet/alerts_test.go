package fleet_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// alerting serves the alert Broken of the machine with the serial number a while on is true. It
// answers only the request for alerts that are active.
func alerting(t *testing.T, on *atomic.Bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/am/api/v2/alerts?active=true&inhibited=false&silenced=false&unprocessed=false" {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		list := "[]"
		if on.Load() {
			list = `[{"labels":{"alertname":"Broken","serial":"a"},"status":{"state":"active"}}]`
		}
		fmt.Fprint(w, list)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/am"
}

func withAlerts(o fleet.Options, endpoint string) fleet.Options {
	o.Config.Alerts = &statesetter.Alerts{Endpoint: endpoint, Triggers: []statesetter.Trigger{{Name: "Broken", Serial: "serial", State: sabakan.Unhealthy}}}
	return o
}

func TestAnAlertMakesAMachineUnhealthyAtOnce(t *testing.T) {
	w := newWorld(t, "a", "b")
	var on atomic.Bool
	w.keep(withAlerts(w.options("boot-0", time.Hour), alerting(t, &on)))
	w.awaitState(sabakan.Healthy, "a", "b")
	on.Store(true)
	w.awaitState(sabakan.Unhealthy, "a")
	w.awaitLog(`machine=a from=healthy to=unhealthy reason="the alert Broken is active"`)
	on.Store(false)
	w.awaitState(sabakan.Healthy, "a", "b")
}

// TestWithoutAlertmanagerThereIsNoAlert: machines are judged by serf and by metrics, and the log
// says once that alerts are missing.
func TestWithoutAlertmanagerThereIsNoAlert(t *testing.T) {
	w := newWorld(t, "a")
	for body, want := range map[string]string{
		"<html>": "the response is not a list of alerts: invalid character",
		"":       "status 503",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			if body == "" {
				rw.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprint(rw, body)
		}))
		w.must(w.sabakan.SetState(t.Context(), "a", sabakan.Healthy))
		w.must(w.sabakan.SetState(t.Context(), "a", sabakan.Unhealthy))
		stop := w.keep(withAlerts(w.options("boot-0", time.Hour), s.URL))
		w.awaitState(sabakan.Healthy, "a")
		stop()
		s.Close()
		if log := w.logged(); strings.Count(log, "alerts are ignored: GET "+s.URL) != 1 || !strings.Contains(log, want) {
			t.Errorf("want once %q in %s", want, log)
		}
	}
}
