package reboot

import (
	"maps"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Budget limits how many machines may be out at the same time.
type Budget struct {
	// PerRack is how many machines of a rack may be out because of restarts: in CKE's reboot queue,
	// restarting, or not healthy again after the restart. 0 is any number.
	PerRack int `json:"max_per_rack,omitempty"`
	// Unavailable is how many machines of the fleet may be out, including those that are unhealthy
	// or unreachable in sabakan for another reason. 0 is any number.
	Unavailable int `json:"max_unavailable,omitempty"`
	// Window is when restarts may begin.
	Window Window `json:"window,omitzero"`
}

// usage is what of a budget is used.
type usage struct {
	Budget
	// out are the serial numbers of machines that are out.
	out map[string]bool
	// racks are the numbers of machines that are out because of restarts, by rack.
	racks map[int]int
}

// take uses the budget for the restart of a machine in a rack.
func (u usage) take(serial string, rack int) {
	u.out[serial] = true
	u.racks[rack]++
}

// rackFull reports whether no other machine of a rack may restart.
func (u usage) rackFull(rack int) bool { return u.PerRack > 0 && u.racks[rack] >= u.PerRack }

// full reports whether a machine may not restart, because the fleet lacks as many as it may. One
// that is out already may: nothing becomes worse.
func (u usage) full(serial string) bool {
	return u.Unavailable > 0 && len(u.out) >= u.Unavailable && !u.out[serial]
}

// used returns what of the budget is used now.
func (d *decision) used() usage {
	u := usage{d.Budget, map[string]bool{}, map[int]int{}}
	for _, o := range d.step.Progress.Out {
		u.take(d.Targets[o.Machine].Serial, d.Targets[o.Machine].Rack)
	}
	for _, m := range d.Machines {
		if _, queued := d.Queue[Address(m)]; queued && !u.out[m.Spec.Serial] {
			u.take(m.Spec.Serial, m.Spec.Rack)
		}
	}
	for _, m := range d.Machines {
		if m.Status.State == sabakan.Unhealthy || m.Status.State == sabakan.Unreachable {
			u.out[m.Spec.Serial] = true
		}
	}
	return u
}

// choose requests the restarts that the budget allows.
func (d *decision) choose() {
	p := &d.step.Progress
	u := d.used()
	left := d.Left(*p)
	for _, i := range left {
		t := d.Targets[i]
		if !d.step.Opens.IsZero() || u.rackFull(t.Rack) || u.full(t.Serial) {
			d.step.Left++
			continue
		}
		u.take(t.Serial, t.Rack)
		p.Out = append(p.Out, d.request(i))
	}
	d.step.Unavailable = len(u.out)
	d.step.Ended = len(p.Out) == len(d.failed) && d.stuck(left)
}

// stuck reports whether none of the left machines can be restarted while those that have failed do
// not come back, whatever becomes of the others.
func (d *decision) stuck(left []int) bool {
	u := usage{d.Budget, map[string]bool{}, map[int]int{}}
	for i := range d.failed {
		u.take(d.Targets[i].Serial, d.Targets[i].Rack)
	}
	for _, i := range left {
		if t := d.Targets[i]; !u.rackFull(t.Rack) && !u.full(t.Serial) {
			return false
		}
	}
	return true
}

// AssumedRestart is how long a restart takes until one was measured.
const AssumedRestart = 10 * time.Minute

// Estimate is how long the rest of a Rolling takes.
type Estimate struct {
	// Machines are not done, in so many Rounds at the budget. Entries is how many entries of CKE's
	// reboot queue they need at least, which CKE works through one after the other.
	Machines, Rounds, Entries int
	// Each is how long a restart takes: a mean of Measured restarts or, if that is 0, AssumedRestart.
	Each     time.Duration
	Measured int
	// Total is how long the restarts take together. Days is on how many days that is, if the window
	// is a part of a day; otherwise 0.
	Total time.Duration
	Days  int
}

// Estimate returns how long the rest of the plan takes. storage is how many of the nodes that are
// not done have the role ss, and others how many another one.
func (r Rolling) Estimate(p Progress, storage, others int) Estimate {
	e := Estimate{Entries: max(storage, others), Each: AssumedRestart, Measured: p.Measured}
	if p.Measured > 0 {
		e.Each = p.Took / time.Duration(p.Measured)
	}
	racks := map[int]int{}
	for _, i := range r.Left(p) {
		racks[r.Targets[i].Rack]++
	}
	for _, o := range p.Out {
		racks[r.Targets[o.Machine].Rack]++
	}
	for _, n := range racks {
		e.Machines += n
	}
	for len(racks) > 0 {
		e.Rounds++
		free := e.Machines
		if r.Budget.Unavailable > 0 {
			free = r.Budget.Unavailable
		}
		for _, rack := range slices.Sorted(maps.Keys(racks)) {
			n := racks[rack]
			now := min(n, free)
			if r.Budget.PerRack > 0 {
				now = min(now, r.Budget.PerRack)
			}
			free -= now
			if racks[rack] = n - now; racks[rack] == 0 {
				delete(racks, rack)
			}
		}
	}
	e.Total = time.Duration(max(e.Rounds, e.Entries)) * e.Each
	if length := r.Budget.Window.Length(); !r.Budget.Window.IsZero() {
		e.Days = int((e.Total + length - 1) / length)
	}
	return e
}
