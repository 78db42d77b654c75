package fleet_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/serftest"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

// limit is how long a test waits for a fact.
const limit = 2 * time.Minute

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// world is a small data centre: etcd, serf, sabakan and the metrics of machines.
type world struct {
	*testing.T
	etcd    *clientv3.Client
	url     string // of sabakan
	sabakan *sabakan.Client
	serf    *serftest.Cluster
	// rpc is serf's RPC endpoint on the boot server, and machines are the addresses of all others
	// by serial number.
	rpc      string
	agents   map[string]*serftest.Agent
	machines map[string]netip.Addr
	metrics  *httptest.Server

	mu sync.Mutex
	// broken has the machines by address whose processors are broken, and mute those that have
	// no metrics.
	broken, mute map[string]bool
	log          strings.Builder
}

// newWorld returns a data centre with these machines, of type good, in rack 0. They are members
// of serf without failed units, and their hardware is good.
func newWorld(t *testing.T, serials ...string) *world {
	t.Helper()
	return newWorldOf(t, "good", serials...)
}

// newWorldOf does the same with machines of another type.
func newWorldOf(t *testing.T, kind string, serials ...string) *world {
	t.Helper()
	t.Parallel()
	url := sabakantest.Start(t)
	w := &world{
		T: t, etcd: cluster.NewClient(t, cluster.Prefix()), url: url, sabakan: sabakan.New(url), serf: serftest.New(t),
		agents: map[string]*serftest.Agent{}, machines: map[string]netip.Addr{}, broken: map[string]bool{}, mute: map[string]bool{},
	}
	t.Cleanup(w.sabakan.Close)
	w.metrics = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.metrics.Close)
	w.must(storage.New(w.etcd).Register(t.Context(), 0))
	w.record(statesetter.Memory{At: time.Now()})
	w.plan()
	w.add(kind, serials...)
	// No other process of this kind has the same second byte at the same time.
	w.rpc = w.serf.Join(t, netip.AddrFrom4([4]byte{127, octet(), 15, 1})).RPC
	for _, s := range serials {
		w.agents[s] = w.serf.Join(t, w.machines[s], statesetter.FailedUnitsTag+"=")
	}
	return w
}

// octet is the second byte of the addresses of this process.
func octet() byte { return byte(1 + os.Getpid()%250) }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// plan gives sabakan addresses for machines and BMCs.
func (w *world) plan() {
	w.Helper()
	plan := fmt.Sprintf(`{"max-nodes-in-rack": 28, "node-ipv4-pool": "127.%[1]d.0.0/20", "node-ipv4-range-size": 6, "node-ipv4-range-mask": 26,
		"node-ip-per-node": 3, "node-index-offset": 3, "node-gateway-offset": 1, "bmc-ipv4-pool": "127.%[1]d.16.0/20", "bmc-ipv4-offset": "0.0.1.0",
		"bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 20, "bmc-ipv4-gateway-offset": 1}`, octet())
	w.must(w.sabakan.PutIPAM(w.Context(), []byte(plan)))
}

// add registers machines of a type in sabakan, in rack 0.
func (w *world) add(kind string, serials ...string) {
	w.Helper()
	w.register("cs", kind, serials...)
}

// register registers machines of a role and a type in sabakan, in rack 0.
func (w *world) register(role, kind string, serials ...string) {
	w.Helper()
	if len(serials) == 0 {
		return
	}
	var specs []sabakan.Spec
	for _, s := range serials {
		specs = append(specs, sabakan.Spec{
			Serial: s, Role: role, Labels: map[string]string{statesetter.TypeLabel: kind},
			Retires: time.Now().AddDate(5, 0, 0), BMC: sabakan.BMC{Type: "iDRAC"},
		})
	}
	w.must(w.sabakan.CreateMachines(w.Context(), specs))
	all, err := w.sabakan.Search(w.Context(), sabakan.Params{}, nil)
	w.must(err)
	for _, m := range all {
		w.machines[m.Spec.Serial] = m.Spec.IPv4[0]
	}
}

// serve serves the metrics of the machine whose address is in the path.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	address := strings.TrimPrefix(r.URL.Path, "/")
	value := 0
	switch {
	case w.mute[address]:
		http.Error(rw, "no", http.StatusServiceUnavailable)
		return
	case w.broken[address]:
		value = 2
	}
	fmt.Fprintf(rw, "# TYPE hw_processor_status_health gauge\nhw_processor_status_health{processor=\"CPU.1\"} %d\n", value)
}

// set changes the hardware of machines: which lack metrics or are broken.
func (w *world) set(which map[string]bool, value bool, serials ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range serials {
		which[w.machines[s].String()] = value
	}
}

// Write takes what a keeper logs.
func (w *world) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(data)
}

// logged returns what keepers have logged since the last call.
func (w *world) logged() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.log.Reset()
	return w.log.String()
}

// options returns the options of a keeper on the host called name, with short times and with the
// given grace period.
func (w *world) options(name string, grace time.Duration) fleet.Options {
	o := fleet.New(w.sabakan, w.rpc)
	o.MetricsURL = func(a netip.Addr) string { return w.metrics.URL + "/" + a.String() }
	valve := fleet.DefaultValve()
	valve.Hold = 0
	return fleet.Options{
		LRN: 0, Hostname: name, Etcd: w.etcd, Log: slog.New(slog.NewTextHandler(w, nil)), Observer: o,
		Config: statesetter.Config{Types: map[string]statesetter.MachineType{
			"good": {Grace: grace, Metrics: []statesetter.Metric{{Name: "hw_processor_status_health"}}},
		}},
		Valve:    valve,
		Interval: 100 * time.Millisecond, TTL: 5 * time.Second, Pulse: liveness.New(time.Minute), Stats: fleet.NewStats(prometheus.NewRegistry()),
	}
}

// keep runs a keeper until stop is called or the test ends.
func (w *world) keep(o fleet.Options) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fleet.Run(ctx, o)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	w.Cleanup(stop)
	return stop
}

// await blocks until f reports that the fact called what holds.
func (w *world) await(what string, f func() error) {
	w.Helper()
	ctx, cancel := context.WithTimeoutCause(w.Context(), limit, fmt.Errorf("not within %s: %s", limit, what))
	defer cancel()
	if err := retry.Until(ctx, f); err != nil {
		w.Fatalf("%v; log: %s", err, w.logged())
	}
}

// record replaces what the leader has left in etcd.
func (w *world) record(m statesetter.Memory) {
	w.Helper()
	store := storage.New(w.etcd)
	before, err := store.Fleet(w.Context())
	w.must(err)
	after, err := fleet.Record(m)
	w.must(err)
	w.must(store.PutFleet(w.Context(), storage.Guard{LRN: -1}, before, after))
}

// remembered returns what the leader has left in etcd.
func (w *world) remembered() (statesetter.Memory, error) {
	f, err := storage.New(w.etcd).Fleet(w.Context())
	if err != nil {
		return statesetter.Memory{}, err
	}
	return fleet.Recall(f)
}

// states returns the states of all machines by serial number.
func (w *world) states() (map[string]sabakan.State, error) {
	all, err := w.sabakan.Search(w.Context(), sabakan.Params{}, nil)
	states := map[string]sabakan.State{}
	for _, m := range all {
		states[m.Spec.Serial] = m.Status.State
	}
	return states, err
}

// awaitState blocks until machines have the given state.
func (w *world) awaitState(want sabakan.State, serials ...string) {
	w.Helper()
	w.await(fmt.Sprintf("%v become %s", serials, want), func() error {
		states, err := w.states()
		for _, s := range serials {
			if err == nil && states[s] != want {
				err = fmt.Errorf("%s is %s", s, states[s])
			}
		}
		return err
	})
}

// awaitLog blocks until a keeper has logged a text.
func (w *world) awaitLog(text string) {
	w.Helper()
	w.await("the log contains "+text, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !strings.Contains(w.log.String(), text) {
			return fmt.Errorf("it is %s", w.log.String())
		}
		return nil
	})
}
