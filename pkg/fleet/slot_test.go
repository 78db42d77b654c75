package fleet_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// TestHangingMachinesDoNotKeepOthersFromBeingRead: one machine is read at a time, and three of
// four do not answer, or not to the end, until the fourth one has been read.
func TestHangingMachinesDoNotKeepOthersFromBeingRead(t *testing.T) {
	t.Run("before the answer", func(t *testing.T) { readWithHanging(t, false) })
	t.Run("in the answer", func(t *testing.T) { readWithHanging(t, true) })
}

func readWithHanging(t *testing.T, begun bool) {
	w := newWorld(t, "a", "b", "c", "d")
	read := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+w.machines["d"].String() {
			defer close(read)
		} else {
			if begun {
				rw.(http.Flusher).Flush()
			}
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

// TestTheTimeForASlotIsNotThatOfTheMachine: its answer waits for longer than the machine has time.
func TestTheTimeForASlotIsNotThatOfTheMachine(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		slots <- struct{}{} // when the machine has given its slot up
		fmt.Fprintln(rw, "a 1")
	}))
	defer server.Close()
	o := fleet.New(nil, "")
	o.Timeout = time.Second
	o.MetricsURL = func(netip.Addr) string { return server.URL }
	timer := time.AfterFunc(2*o.Timeout, func() { <-slots })
	defer timer.Stop()
	got, err := fleet.Read(o, t.Context(), slots, netip.Addr{}, []string{"a"})
	if err != nil || len(got["a"]) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestReasonsNameNoAddress: etcd keeps one reason for all machines that have the same.
func TestReasonsNameNoAddress(t *testing.T) {
	t.Parallel()
	closed, err := loopback.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/reset":
			c, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		case "/hangs":
			<-r.Context().Done()
		case "/html":
			fmt.Fprintln(rw, "<html>")
		default:
			http.NotFound(rw, r)
		}
	}))
	defer server.Close()
	o := fleet.New(nil, "")
	o.Timeout = 300 * time.Millisecond
	for at, want := range map[string]string{
		"http://" + closed[0]:  "connect: connection refused",
		server.URL + "/reset":  "read: connection reset by peer",
		server.URL + "/hangs":  "no answer within 300ms",
		server.URL + "/absent": "status 404 (Not Found)",
		server.URL + "/html":   "the response is not metrics: text format parsing error in line 1: invalid metric name",
	} {
		o.MetricsURL = func(netip.Addr) string { return at }
		_, err := fleet.Read(o, t.Context(), make(chan struct{}, 1), netip.Addr{}, []string{"a"})
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %q", at, err, want)
		}
	}
}
