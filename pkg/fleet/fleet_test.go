package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestMachinesGetTheStatesThatAreObserved(t *testing.T) {
	w := newWorld(t, "a", "b", "c", "d")
	w.set(w.broken, true, "b")
	w.keep(w.options("boot-0", 0))
	w.awaitState(sabakan.Healthy, "a", "c", "d")
	if states, err := w.states(); err != nil || states["b"] != sabakan.Uninitialized {
		t.Errorf("states %v, %v", states, err)
	}
	w.set(w.broken, false, "b")
	w.awaitState(sabakan.Healthy, "b")
	w.set(w.broken, true, "b")
	w.awaitState(sabakan.Unhealthy, "b")
	w.awaitLog(`msg="the state is changed" machine=b from=healthy to=unhealthy reason="metric hw_processor_status_health{processor=\"CPU.1\"} is 2"`)
	w.set(w.broken, false, "b")
	w.awaitState(sabakan.Healthy, "b")

	w.agents["c"].Tag(t, map[string]string{statesetter.FailedUnitsTag: "docker.service"})
	w.awaitState(sabakan.Unhealthy, "c")
	w.agents["c"].Tag(t, nil, statesetter.FailedUnitsTag)
	w.agents["d"].Kill()
	w.awaitState(sabakan.Unreachable, "d")
	if states, err := w.states(); err != nil || states["c"] != sabakan.Unhealthy {
		t.Errorf("c, whose failed units are unknown: %v, %v", states, err)
	}
}

// TestAGracePeriodSurvivesTheLeader: a machine has been unhealthy for longer than its grace period,
// but no leader has seen that alone.
func TestAGracePeriodSurvivesTheLeader(t *testing.T) {
	w := newWorld(t, "a", "b")
	w.must(w.sabakan.SetState(t.Context(), "a", sabakan.Healthy))
	w.set(w.broken, true, "a")
	stop := w.keep(w.options("boot-0", time.Hour))
	w.await("the leader remembers a", func() error {
		m, err := w.remembered()
		if err == nil && m.Bad["a"].State != sabakan.Unhealthy {
			err = fmt.Errorf("it is %+v", m)
		}
		return err
	})
	stop()
	m, err := w.remembered()
	w.must(err)
	m.Bad["a"] = statesetter.Since{State: sabakan.Unhealthy, At: m.Bad["a"].At.Add(-2 * time.Hour)}
	w.record(m)
	o := w.options("boot-1", time.Hour)
	stop = w.keep(o)
	w.awaitState(sabakan.Unhealthy, "a")
	stop()

	// A record that cannot be read is replaced.
	_, err = w.etcd.Put(t.Context(), storage.KeyFleet+storage.FleetBad, "{")
	w.must(err)
	w.logged()
	w.keep(w.options("boot-2", time.Hour))
	w.awaitLog("forgets earlier rounds: grace periods start now, and retiring machines need an approval")
	w.await("the record is whole again", func() error {
		_, err := w.remembered()
		return err
	})
}

// TestTheLossOfAllMetricsChangesNothing, and neither do many broken machines. Between the rounds of
// one leader, only some machines could have changed; so another leads after each change.
func TestTheLossOfAllMetricsChangesNothing(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	w := newWorld(t, all...)
	stop := w.keep(w.options("boot-0", 0))
	w.awaitState(sabakan.Healthy, all...)
	next := func(change func(), log string) {
		stop()
		change()
		w.logged()
		stop = w.keep(w.options("boot-0", 0))
		w.awaitLog(log)
	}
	next(func() { w.set(w.mute, true, all...) },
		`level=ERROR msg="does not change machines to unhealthy or unreachable" reason="all machines: the metrics of 0 of 5 are read; the way to them has failed" machines=5 serials="[a b c d e]"`)
	next(func() { w.set(w.mute, false, all...) }, "is the leader")
	w.awaitState(sabakan.Healthy, all...)

	next(func() { w.set(w.broken, true, "a", "b", "c", "d") }, "rack 0: 4 of 5 would become unhealthy or unreachable within 1h0m0s, more than 3")
	w.awaitState(sabakan.Healthy, all...)
	w.set(w.broken, false, "d")
	w.awaitLog("changes machines again")
	w.awaitState(sabakan.Unhealthy, "a", "b", "c")
	next(func() { w.set(w.broken, true, "d") }, "rack 0: 4 of 5 would become") // the three count for an hour
	w.awaitState(sabakan.Healthy, "d", "e")
}

// TestALeaderWithoutSerfGivesUp: the keeper of another server, whose serf answers, takes over.
func TestALeaderWithoutSerfGivesUp(t *testing.T) {
	w := newWorld(t, "a", "b")
	deaf := w.options("boot-0", 0)
	free, err := loopback.FreeAddresses(1)
	w.must(err)
	deaf.Observer.Serf = free[0]
	w.keep(deaf)
	w.awaitLog(`msg="not the leader" err="serf at ` + free[0])
	w.keep(w.options("boot-1", 0))
	w.awaitState(sabakan.Healthy, "a", "b")
}

// TestAServerThatHasLeftChangesNothing: the write before a change is refused.
func TestAServerThatHasLeftChangesNothing(t *testing.T) {
	w := newWorld(t, "a", "b")
	_, err := w.etcd.Delete(t.Context(), storage.BootServerKey(0))
	w.must(err)
	w.keep(w.options("boot-0", 0))
	w.awaitLog("boot server 0: not a registered boot server")
	states, err := w.states()
	w.must(err)
	if states["a"] != sabakan.Uninitialized || states["b"] != sabakan.Uninitialized {
		t.Errorf("states %v", states)
	}
}

// TestTheKeyOfAKilledKeeperIsDeleted: the next one of the same host does not wait for its lease.
func TestTheKeyOfAKilledKeeperIsDeleted(t *testing.T) {
	w := newWorld(t, "a", "b")
	lease, err := w.etcd.Grant(t.Context(), 3600)
	w.must(err)
	_, err = w.etcd.Put(t.Context(), storage.KeyStateSetterLeader+"/1", "boot-0", clientv3.WithLease(lease.ID))
	w.must(err)
	w.keep(w.options("boot-0", 0))
	w.awaitState(sabakan.Healthy, "a", "b")
}

// TestMembersOfADeadAgentAreFailed: serf itself says so, after some seconds.
func TestMembersOfADeadAgentAreFailed(t *testing.T) {
	w := newWorld(t, "a")
	w.agents["a"].Kill()
	boot := w.agents["a"]
	boot.RPC = w.rpc
	boot.Await(t, "failed member", func(all []client.Member) bool {
		for _, m := range all {
			if m.Status == "failed" {
				return true
			}
		}
		return false
	})
	members, err := w.options("boot-0", 0).Observer.Members(t.Context())
	w.must(err)
	if m := members[w.machines["a"]]; len(m) != 1 || m[0].Status != "failed" {
		t.Errorf("members %v", members)
	}
}

// TestWrongMetricsAreAReason: what is no metrics is in the verdict about the machine, not an error.
func TestWrongMetricsAreAReason(t *testing.T) {
	w := newWorld(t, "a")
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/html":
			fmt.Fprint(rw, "<html>")
		case "/large":
			fmt.Fprint(rw, strings.Repeat("a 0\n", 2<<20))
		case "/half":
			rw.Header().Set("Content-Length", "100")
			fmt.Fprint(rw, "a 0\n")
		case "/hangs":
			<-release
		default:
			http.NotFound(rw, r)
		}
	}))
	defer server.Close()
	defer close(release)
	o := w.options("boot-0", 0)
	observer := o.Observer
	for path, want := range map[string]string{
		"/html": "the response is not metrics", "/large": "more than 4 MiB", "/half": "unexpected EOF", "/none": "status 404", "/hangs": "no answer within",
	} {
		observer.MetricsURL = func(netip.Addr) string { return server.URL + path }
		observer.Timeout = time.Minute
		if path == "/hangs" {
			observer.Timeout = 100 * time.Millisecond
		}
		all, err := observer.Observe(t.Context(), o.Config, statesetter.Alarms{})
		w.must(err)
		if v := all[0].Verdict; v.State != sabakan.Unhealthy || !strings.HasPrefix(v.Reason, "no metrics: ") || !strings.Contains(v.Reason, want) {
			t.Errorf("%s: %+v, want %q", path, v, want)
		}
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := observer.Observe(ctx, o.Config, statesetter.Alarms{}); !errors.Is(err, stop) {
		t.Errorf("an ended context: %v", err)
	}
}

// TestALeaderThatSerfHasSeparatedGivesUp: an agent of serf that has just started knows few members,
// and another server may know all.
func TestALeaderThatSerfHasSeparatedGivesUp(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	for _, s := range []string{"a", "b", "c"} {
		w.must(w.sabakan.SetState(t.Context(), s, sabakan.Healthy))
	}
	o := w.options("boot-0", 0)
	o.Observer.Serf = w.serf.Alone(t, netip.AddrFrom4([4]byte{127, octet(), 15, 2})).RPC
	stop := w.keep(o)
	w.awaitLog("all machines: serf reaches 0 of 3 that were working")
	w.awaitLog("serf does not reach most machines from here")
	stop()
	if states, err := w.states(); err != nil || states["a"] != sabakan.Healthy || states["b"] != sabakan.Healthy || states["c"] != sabakan.Healthy {
		t.Errorf("states %v, %v", states, err)
	}
}

// TestAFrozenSerfEndsTheLeadership: its requests have no deadline of their own.
func TestAFrozenSerfEndsTheLeadership(t *testing.T) {
	w := newWorld(t, "a", "b")
	frozen, err := loopback.Listen() // it accepts connections and does not answer
	w.must(err)
	defer frozen.Close()
	o := w.options("boot-0", 0)
	o.Observer.Serf = frozen.Addr().String()
	stop := w.keep(o)
	w.awaitLog("serf at " + o.Observer.Serf + ": no answer within 10s")
	stop()
}

// TestMachinesThatAreNotReadInTimeAreSkipped: a hundred machines that do not answer must not hide
// what happens to all others.
func TestMachinesThatAreNotReadInTimeAreSkipped(t *testing.T) {
	w := newWorld(t, "a", "b", "c")
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer server.Close()
	o := w.options("boot-0", 0)
	o.Observer.MetricsURL = func(netip.Addr) string { return server.URL }
	o.Observer.Parallel, o.Observer.Budget = 1, 100*time.Millisecond
	all, err := o.Observer.Observe(t.Context(), o.Config, statesetter.Alarms{})
	w.must(err)
	for _, j := range all {
		if !j.Verdict.Skipped || j.Verdict.State != "" {
			t.Errorf("%+v", j)
		}
	}
}
