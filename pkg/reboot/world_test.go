package reboot_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// box is a machine of a world.
type box struct {
	sabakan.Machine
	// node and plane: it is a node of Kubernetes, and of the control plane.
	node, plane bool
	// dies: it does not come back from a restart. sick: it does, and is not healthy.
	dies, sick bool
	// boots is the number of its boot; resets is how often it was restarted.
	boots, resets int
	// up is when it boots after its restart, and well when it is healthy after that; zero if it
	// does not restart. Until noticed, serf takes it for alive.
	up, well, noticed time.Time
}

// entry is an entry of CKE's reboot queue.
type entry struct {
	boxes []*box
	begun time.Time
}

// world is a fleet with a CKE, in which a seed decides what happens.
type world struct {
	*rand.Rand
	now   time.Time
	boxes []*box
	queue []*entry
}

func newWorld(seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)}
	fails := w.IntN(2) == 0
	for i := range 3 + w.IntN(20) {
		b := &box{node: w.IntN(4) > 0, boots: 1}
		b.plane = b.node && w.IntN(4) == 0
		b.dies, b.sick = fails && w.IntN(10) == 0, fails && w.IntN(10) == 0
		b.Spec = sabakan.Spec{Serial: fmt.Sprint("s", i), Rack: i % 4, Role: []string{"cs", "ss"}[w.IntN(2)], IPv4: []netip.Addr{address(i)}}
		b.Status.State = sabakan.Healthy
		w.boxes = append(w.boxes, b)
	}
	return w
}

func (w *world) reset(b *box) {
	b.resets++
	b.noticed = w.now.Add(time.Duration(w.IntN(60)) * time.Second)
	b.up = w.now.Add(time.Duration(60+w.IntN(400)) * time.Second)
	b.well = b.up.Add(time.Duration(w.IntN(300)) * time.Second)
}

// pass lets time pass.
func (w *world) pass() {
	w.now = w.now.Add(time.Duration(10+w.IntN(110)) * time.Second)
	for _, b := range w.boxes {
		restarting := !b.well.IsZero()
		switch {
		case restarting && b.dies, restarting && w.now.Before(b.up):
			if w.IntN(3) == 0 { // sabakan is told late
				b.Status.State = sabakan.Unreachable
			}
		case restarting && b.boots == b.resets:
			b.boots++
		case restarting && b.sick:
			b.Status.State = sabakan.Unhealthy
		case restarting && !w.now.Before(b.well):
			b.up, b.well, b.Status.State = time.Time{}, time.Time{}, sabakan.Healthy
		case !restarting && w.IntN(200) == 0:
			b.Status.State = sabakan.Unhealthy
		case !restarting && w.IntN(20) == 0:
			b.Status.State = sabakan.Healthy
		}
	}
	if len(w.queue) == 0 {
		return
	}
	first := w.queue[0]
	if first.begun.IsZero() {
		first.begun = w.now
		for _, b := range first.boxes {
			w.reset(b)
		}
		return
	}
	back := !slices.ContainsFunc(first.boxes, func(b *box) bool { return !b.well.IsZero() })
	if back || w.now.Sub(first.begun) > time.Hour {
		w.queue = w.queue[1:]
	}
}

func (w *world) view() reboot.View {
	v := reboot.View{Now: w.now, Nodes: map[netip.Addr]bool{}, Queue: map[netip.Addr]bool{}, Members: map[string][]statesetter.Member{}}
	for _, b := range w.boxes {
		v.Machines = append(v.Machines, b.Machine)
		if b.node {
			v.Nodes[reboot.Address(b.Machine)] = b.plane
		}
		m := statesetter.Member{Status: "alive", Tags: map[string]string{"uptime": fmt.Sprintf("2026-01-%02d 00:00:00", b.boots), statesetter.FailedUnitsTag: ""}}
		switch restarting := !b.well.IsZero(); {
		case restarting && w.now.Before(b.noticed):
		case restarting && b.boots == b.resets:
			m.Status = "failed"
		case restarting && b.sick:
			m.Tags[statesetter.FailedUnitsTag] = "x.service"
		case restarting:
			delete(m.Tags, statesetter.FailedUnitsTag)
		}
		v.Members[b.Spec.Serial] = []statesetter.Member{m}
	}
	for _, e := range w.queue {
		for _, b := range e.boxes {
			v.Queue[reboot.Address(b.Machine)] = !e.begun.IsZero()
		}
	}
	return v
}

func (w *world) box(m sabakan.Machine) *box {
	return w.boxes[slices.IndexFunc(w.boxes, func(b *box) bool { return b.Spec.Serial == m.Spec.Serial })]
}

// out returns how many machines are out because of restarts, by rack, and how many of the fleet
// are out.
func (w *world) out() (racks map[int]int, fleet int) {
	racks = map[int]int{}
	for _, b := range w.boxes {
		queued := slices.ContainsFunc(w.queue, func(e *entry) bool { return slices.Contains(e.boxes, b) })
		if queued || !b.well.IsZero() {
			racks[b.Spec.Rack]++
		}
		if queued || !b.well.IsZero() || b.Status.State != sabakan.Healthy {
			fleet++
		}
	}
	return racks, fleet
}

// run is a command that restarts the machines of a world, and may be killed at any time.
type run struct {
	*testing.T
	*world
	reboot.Rolling
	stored []byte
}

func newRun(t *testing.T, seed uint64) *run {
	r := &run{T: t, world: newWorld(seed), stored: []byte("{}")}
	r.Budget = reboot.Budget{PerRack: r.IntN(3), Unavailable: r.IntN(5)}
	if r.IntN(4) == 0 {
		r.Budget.Window, _ = reboot.ParseWindow("13:00-15:00")
	}
	v := r.view()
	for _, b := range r.boxes {
		r.Targets = append(r.Targets, reboot.Target{
			Serial: b.Spec.Serial, Rack: b.Spec.Rack, Direct: !b.node, Boots: reboot.Boots(v.Members[b.Spec.Serial]),
		})
	}
	if r.IntN(3) == 0 { // somebody else has queued some
		r.queue = append(r.queue, &entry{boxes: r.boxes[:1+r.IntN(2)]})
	}
	return r
}

// round does a step, unless it is killed, and reports whether the run has ended.
func (r *run) round() (reboot.Step, bool) {
	var p reboot.Progress
	if err := json.Unmarshal(r.stored, &p); err != nil {
		r.Fatal(err)
	}
	s := r.Next(p, r.view())
	p = s.Progress
	if !r.Valid(p) {
		r.Fatalf("not valid: %+v", p)
	}
	killed := func() bool { return r.IntN(20) == 0 }
	if killed() {
		return s, false
	}
	r.store(p)
	_, before := r.out()
	for _, e := range s.Entries {
		r.checkEntry(e)
		if killed() {
			return s, false
		}
		added := &entry{}
		for _, m := range e {
			added.boxes = append(added.boxes, r.box(m))
		}
		r.queue = append(r.queue, added)
		r.confirm(&p, e)
	}
	for _, m := range s.Direct {
		if killed() {
			return s, false
		}
		r.reset(r.box(m))
		r.confirm(&p, []sabakan.Machine{m})
	}
	if len(s.Entries)+len(s.Direct) > 0 {
		r.checkBudget(before)
	}
	if !killed() {
		r.store(p)
	}
	return s, s.Ended
}

// confirm tells the run that the requests have worked, or an error although they have.
func (r *run) confirm(p *reboot.Progress, all []sabakan.Machine) {
	if r.IntN(10) == 0 {
		return
	}
	for _, m := range all {
		r.Confirm(p, m.Spec.Serial)
	}
}

func (r *run) store(p reboot.Progress) {
	data, err := json.Marshal(p)
	if err != nil {
		r.Fatal(err)
	}
	r.stored = data
}

func (r *run) checkEntry(e []sabakan.Machine) {
	storage, planes := 0, 0
	for _, m := range e {
		b := r.box(m)
		if b.Spec.Role == "ss" {
			storage++
		}
		if b.plane {
			planes++
		}
		if slices.ContainsFunc(r.queue, func(e *entry) bool { return slices.Contains(e.boxes, b) }) {
			r.Errorf("%s is queued twice", b.Spec.Serial)
		}
	}
	if len(e) == 0 || storage > 1 || len(e)-storage > 1 || planes > 1 {
		r.Errorf("an entry with %d of role ss, %d others, %d of the control plane", storage, len(e)-storage, planes)
	}
}

// checkBudget checks the budget after restarts were requested. Before that, so many machines of the
// fleet were out: the restart of one of these costs nothing.
func (r *run) checkBudget(before int) {
	racks, fleet := r.out()
	for rack, n := range racks {
		if r.Budget.PerRack > 0 && n > r.Budget.PerRack {
			r.Errorf("%d machines of rack %d are out, at most %d may be", n, rack, r.Budget.PerRack)
		}
	}
	if r.Budget.Unavailable > 0 && fleet > max(r.Budget.Unavailable, before) {
		r.Errorf("%d machines of the fleet are out, at most %d may be", fleet, r.Budget.Unavailable)
	}
	if !r.Budget.Window.Open(r.now) {
		r.Errorf("a restart begins at %s", r.now)
	}
}
