package fleet_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/bmctest"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/releasetime"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

// bmcs starts the BMCs of the machines, and returns them by serial number, and their port.
func (w *world) bmcs() (map[string]*bmctest.BMC, uint16) {
	w.Helper()
	machines, err := w.sabakan.Search(w.Context(), sabakan.Params{}, nil)
	w.must(err)
	all := map[string]*bmctest.BMC{}
	var port uint16
	for _, m := range machines {
		address, err := netip.ParseAddr(m.Spec.BMC.IPv4)
		w.must(err)
		b := bmctest.StartAt(w, netip.AddrPortFrom(address, port))
		port = b.Address.Port()
		all[m.Spec.Serial] = b
	}
	s := storage.New(w.etcd)
	w.must(s.PutBMCSetting(w.Context(), storage.KeyIPMIUser, bmctest.User, storage.Act{}))
	w.must(s.PutBMCSetting(w.Context(), storage.KeyIPMIPassword, bmctest.Password, storage.Act{}))
	return all, port
}

// retire gives machines the type and makes them retire, with a key of a disk each.
func (w *world) retire(serials ...string) {
	w.Helper()
	for _, s := range serials {
		res, err := http.NewRequestWithContext(w.Context(), http.MethodPut, w.url+"/api/v1/crypts/"+s+"/disk", bytes.NewReader([]byte("key")))
		w.must(err)
		answer, err := http.DefaultClient.Do(res)
		w.must(err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusCreated {
			w.Fatalf("put a key: status %d", answer.StatusCode)
		}
		w.must(w.sabakan.SetState(w.Context(), s, sabakan.Retiring))
	}
}

// remove removes a retired machine from sabakan.
func (w *world) remove(serial string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodDelete, w.url+"/api/v1/machines/"+serial, nil)
	w.must(err)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.Fatalf("remove %s: status %d", serial, res.StatusCode)
	}
}

// hasKey reports whether sabakan has the key of a disk of a machine.
func (w *world) hasKey(serial string) bool {
	w.Helper()
	res, err := http.Get(w.url + "/api/v1/crypts/" + serial + "/disk")
	w.must(err)
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// since returns since when a machine has its state.
func (w *world) since(serial string) time.Time {
	w.Helper()
	all, err := w.sabakan.Machines(w.Context(), url.Values{"serial": {serial}})
	w.must(err)
	return all[0].Status.Since
}

// typed returns options that know the type of machines that can retire.
func (w *world) typed(port uint16) fleet.Options {
	o := w.options("boot-0", 0)
	o.BMCPort = port
	o.Config.Types["r640-cs-2"] = o.Config.Types["good"]
	return o
}

// TestARetiringMachineLosesItsSecrets, and another one whose BMC fails does not stop it.
func TestARetiringMachineLosesItsSecrets(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b", "c")
	bmcs, port := w.bmcs()
	bmcs["a"].Answer("GET /redfish/v1/", bmctest.HTML)
	w.retire("a", "b")
	stop := w.keep(w.typed(port))
	w.awaitState(sabakan.Retired, "b")
	if w.hasKey("b") || bmcs["b"].HasTPM() || !bmcs["c"].HasTPM() || !bmcs["a"].HasTPM() {
		t.Errorf("b keeps its secrets, or others lose them")
	}
	w.awaitLog(`msg="the machine is not retired yet" machine=a err="machine a: BMC`)
	if states, err := w.states(); err != nil || states["a"] != sabakan.Retiring {
		t.Errorf("states %v, %v", states, err)
	}
	bmcs["a"].Answer("GET /redfish/v1/", nil)
	w.awaitState(sabakan.Retired, "a")
	stop()
	if did := bmcs["b"].Did(); !slices.Equal(did, []string{"PATCH map[Tpm2Hierarchy:Clear]", "job", "ForceRestart"}) {
		t.Errorf("the BMC of b did %q", did)
	}
}

// TestAMachineOfAnUnknownTypeStaysRetiring, and is switched off once: an operator who switches it on
// clears its TPM by hand.
func TestAMachineOfAnUnknownTypeStaysRetiring(t *testing.T) {
	w := newWorld(t, "a", "b")
	bmcs, port := w.bmcs()
	bmcs["a"].Answer("GET /redfish/v1/", bmctest.HTML)
	w.retire("a")
	stop := w.keep(w.typed(port))
	w.awaitLog(`msg="the machine is not retired yet" machine=a err="machine a: BMC`) // an attempt that changes nothing
	bmcs["a"].Answer("GET /redfish/v1/", nil)
	w.awaitLog("how to clear the TPM of machine type")
	w.awaitLog("how to clear the TPM of its type is not known: clear it by hand")
	stop()
	if did := bmcs["a"].Did(); !slices.Equal(did, []string{"ForceOff"}) || w.hasKey("a") {
		t.Errorf("the BMC did %q", did)
	}
	if states, err := w.states(); err != nil || states["a"] != sabakan.Retiring || bmcs["a"].On() || !bmcs["b"].On() {
		t.Errorf("states %v, %v; a is on: %t", states, err, bmcs["a"].On())
	}
}

// TestManyMachinesRetireOnlyWithApproval: what they lose cannot be had again.
func TestManyMachinesRetireOnlyWithApproval(t *testing.T) {
	var serials []string
	for i := range statesetter.MostRetiring + 1 {
		serials = append(serials, fmt.Sprintf("m%d", i))
	}
	w := newWorldOf(t, "r640-cs-2")
	w.add("r640-cs-2", serials...)
	bmcs, port := w.bmcs()
	w.retire(serials...)
	w.keep(w.typed(port))
	w.awaitLog("11 retiring machines wait for neco nodes approve: 11 are retiring and 0 have retired, more than 10 within 24h0m0s")
	// An approval for another time does not count.
	store := storage.New(w.etcd)
	w.must(store.Approve(t.Context(), map[string]time.Time{"m3": time.Now().AddDate(0, -1, 0), "m7": w.since("m7"), "gone": time.Now()}, storage.Act{}))
	w.awaitState(sabakan.Retired, "m7")
	w.awaitLog("10 retiring machines wait for neco nodes approve: 10 are retiring and 1 have retired, more than 10 within 24h0m0s")
	// The others are not many after that, but they were.
	_, err := w.sabakan.DeleteKeys(t.Context(), "m9")
	w.must(err)
	w.must(w.sabakan.SetState(t.Context(), "m9", sabakan.Retired))
	w.awaitLog("9 retiring machines wait for neco nodes approve")
	w.await("the approvals of m7 and gone are forgotten", func() error {
		approved, err := store.Approved(t.Context())
		if err == nil && (len(approved) != 1 || approved["m3"].Since.IsZero()) {
			err = fmt.Errorf("approved are %v", approved)
		}
		return err
	})
	states, err := w.states()
	w.must(err)
	for serial, b := range bmcs {
		if serial != "m7" && (!b.HasTPM() || len(b.Did()) > 0 || serial != "m9" && (!w.hasKey(serial) || states[serial] != sabakan.Retiring)) {
			t.Errorf("%s, which is %s, has lost something", serial, states[serial])
		}
	}
}

// TestAfterTheMemoryIsLostRetiringMachinesNeedAnApproval: they may have needed one.
func TestAfterTheMemoryIsLostRetiringMachinesNeedAnApproval(t *testing.T) {
	t.Run("unreadable", func(t *testing.T) {
		retireWithout(t, func(w *world) {
			_, err := w.etcd.Put(t.Context(), storage.KeyFleet+storage.FleetBad, "{")
			w.must(err)
		})
	})
	t.Run("missing", func(t *testing.T) {
		retireWithout(t, func(w *world) {
			_, err := w.etcd.Delete(t.Context(), storage.KeyFleet+storage.FleetRounds)
			w.must(err)
		})
	})
}

// retireWithout loses the memory, and looks that a machine retires after an approval only.
func retireWithout(t *testing.T, lose func(*world)) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	w.retire("a")
	lose(w)
	w.keep(w.typed(port))
	w.awaitLog("1 retiring machines wait for neco nodes approve: they were among more than 10 within 24h0m0s, or the record of that is lost")
	if did := bmcs["a"].Did(); len(did) > 0 || !w.hasKey("a") {
		t.Errorf("the BMC did %q; has its key: %t", did, w.hasKey("a"))
	}
	w.must(storage.New(w.etcd).Approve(t.Context(), map[string]time.Time{"a": w.since("a")}, storage.Act{}))
	w.awaitState(sabakan.Retired, "a")
}

// TestMachinesThatAreRemovedAfterTheirRetirementCount: whoever retires many may remove them, too.
func TestMachinesThatAreRemovedAfterTheirRetirementCount(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	m := statesetter.Memory{At: time.Now(), Retired: map[string]time.Time{}}
	for i := range statesetter.MostRetiring - 1 {
		m.Retired[fmt.Sprintf("gone-%d", i)] = time.Now()
	}
	w.record(m)
	w.retire("a")
	stop := w.keep(w.typed(port))
	w.awaitState(sabakan.Retired, "a")
	w.remove("a")
	w.retire("b")
	w.awaitLog("1 retiring machines wait for neco nodes approve: 1 are retiring and 10 have retired, more than 10 within 24h0m0s")
	stop()
	if did := bmcs["b"].Did(); len(did) > 0 || !w.hasKey("b") {
		t.Errorf("the BMC of b did %q; has its key: %t", did, w.hasKey("b"))
	}
}

// TestAnApprovalDuringAnObservationCounts: the observation does not know yet that the machine retires.
func TestAnApprovalDuringAnObservationCounts(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	bmcs["a"].Answer("GET /redfish/v1/", bmctest.HTML)
	w.must(w.sabakan.SetState(t.Context(), "a", sabakan.Healthy))
	store := storage.New(w.etcd)
	o := w.typed(port)
	usual := o.Observer.MetricsURL
	var once sync.Once
	o.Observer.MetricsURL = func(address netip.Addr) string {
		once.Do(func() {
			w.retire("a")
			w.must(store.Approve(t.Context(), map[string]time.Time{"a": w.since("a")}, storage.Act{}))
		})
		return usual(address)
	}
	w.keep(o)
	w.awaitLog(`msg="the machine is not retired yet" machine=a`) // in a later round
	approved, err := store.Approved(t.Context())
	w.must(err)
	if _, ok := approved["a"]; !ok {
		t.Errorf("approved are %v", approved)
	}
}

// TestAnUnreadableApprovalIsForgotten like one of a machine that does not retire.
func TestAnUnreadableApprovalIsForgotten(t *testing.T) {
	w := newWorld(t, "a")
	_, err := w.etcd.Put(t.Context(), storage.KeyApproved+"a", "soon")
	w.must(err)
	w.keep(w.options("boot-0", 0))
	w.await("the approval is forgotten", func() error {
		approved, err := storage.New(w.etcd).Approved(t.Context())
		if err == nil && len(approved) > 0 {
			err = fmt.Errorf("approved are %v", approved)
		}
		return err
	})
}

// TestAMachineIsClearedOnce, even if sabakan does not call it retired the first time.
func TestAMachineIsClearedOnce(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	w.retire("a")
	backend, err := url.Parse(w.url)
	w.must(err)
	proxy := httputil.NewSingleHostReverseProxy(backend)
	var refused atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && bytes.Contains(body, []byte("RETIRED")) && bytes.Contains(body, []byte("setMachineState")) && refused.CompareAndSwap(false, true) {
			http.Error(rw, "busy", http.StatusServiceUnavailable)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(front.Close)
	o := w.typed(port)
	o.Observer.Sabakan = sabakan.New(front.URL)
	t.Cleanup(o.Observer.Sabakan.Close)
	stop := w.keep(o)
	w.awaitState(sabakan.Retired, "a")
	stop()
	if did := bmcs["a"].Did(); !refused.Load() || !slices.Equal(did, []string{"PATCH map[Tpm2Hierarchy:Clear]", "job", "ForceRestart"}) {
		t.Errorf("the BMC did %q; sabakan has refused: %t", did, refused.Load())
	}
}

// TestARegisteredBootServerDoesNotRetire, whoever says so: etcd would lose a member.
func TestARegisteredBootServerDoesNotRetire(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2")
	w.register("boot", "r640-boot-2", "b0")
	bmcs, port := w.bmcs()
	w.retire("b0")
	stop := w.keep(w.typed(port))
	w.awaitLog("registered boot servers do not retire before they have left: b0 (neco leave 0)")
	stop()
	if did := bmcs["b0"].Did(); len(did) > 0 || !w.hasKey("b0") {
		t.Errorf("the BMC did %q; has its key: %t", did, w.hasKey("b0"))
	}
}

// TestAMachineThatHasRetiredLatelyIsNotSwitchedOff: its BIOS may still have to clear the TPM.
func TestAMachineThatHasRetiredLatelyIsNotSwitchedOff(t *testing.T) {
	now := time.Now()
	all := []sabakan.Machine{
		{Spec: sabakan.Spec{Serial: "a"}, Status: sabakan.Status{Since: now.Add(-29 * time.Minute)}},
		{Spec: sabakan.Spec{Serial: "b"}, Status: sabakan.Status{Since: now.Add(-30 * time.Minute)}},
	}
	if got := fleet.Settled(all, now, fleet.Settle); len(got) != 1 || got[0].Spec.Serial != "b" {
		t.Errorf("%+v", got)
	}
}

// TestRetiredMachinesAreSwitchedOffAtTheSchedule: others stay on.
func TestRetiredMachinesAreSwitchedOffAtTheSchedule(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	w.retire("a")
	w.must(w.sabakan.SetState(t.Context(), "b", sabakan.Healthy))
	if _, err := w.sabakan.DeleteKeys(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	w.must(w.sabakan.SetState(t.Context(), "a", sabakan.Retired))
	o := w.typed(port)
	every, err := releasetime.Parse("* * * * *", "UTC")
	w.must(err)
	o.Config.Shutdown = &every
	w.keep(o)
	w.awaitLog(`msg="the retired machine is switched off" machine=a`)
	if bmcs["a"].On() || !bmcs["b"].On() {
		t.Errorf("a is on: %t, b is on: %t", bmcs["a"].On(), bmcs["b"].On())
	}
}

// TestASlowBMCDoesNotEndTheLeadership: it has more time than the main loop has between two beats.
func TestASlowBMCDoesNotEndTheLeadership(t *testing.T) {
	w := newWorldOf(t, "r640-cs-2", "a", "b")
	bmcs, port := w.bmcs()
	const stall = 500 * time.Millisecond
	bmcs["a"].Answer("GET /redfish/v1/Systems", func(rw http.ResponseWriter, r *http.Request) {
		_ = neco.SleepContext(r.Context(), 3*stall)
		bmctest.Fail(rw, http.StatusServiceUnavailable, "IDRAC.2.1.RAC0508", "wait")
	})
	w.retire("a", "b")
	o := w.typed(port)
	o.Pulse = liveness.New(stall)
	w.keep(o)
	w.awaitState(sabakan.Retired, "b")
	w.awaitLog("status 503 (Service Unavailable): wait")
	if log := w.logged(); strings.Contains(log, "not the leader") {
		t.Errorf("the leadership has ended: %s", log)
	}
}
