package fleet_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// TestHangingMachinesDoNotKeepOthersFromBeingRead: one machine is read at a time, and three of
// four do not answer until the fourth one has been read.
func TestHangingMachinesDoNotKeepOthersFromBeingRead(t *testing.T) {
	w := newWorld(t, "a", "b", "c", "d")
	read := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+w.machines["d"].String() {
			defer close(read)
		} else {
			<-read
		}
		fmt.Fprintln(rw, "hw_processor_status_health 0")
	}))
	defer server.Close()
	o := w.options("boot-0", 0)
	o.Observer.MetricsURL = func(a netip.Addr) string { return server.URL + "/" + a.String() }
	o.Observer.Parallel, o.Observer.Timeout = 1, time.Minute
	all, err := o.Observer.Observe(t.Context(), o.Config, statesetter.Alarms{})
	w.must(err)
	for _, j := range all {
		if j.Verdict.State != sabakan.Healthy {
			t.Errorf("%s: %+v", j.Machine.Spec.Serial, j.Verdict)
		}
	}
}
