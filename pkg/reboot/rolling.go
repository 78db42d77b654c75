package reboot

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// Comeback is how long a machine has time to come back after its restart. A node of Kubernetes
	// has it after it has left CKE's reboot queue: before that, the timeouts of CKE count.
	Comeback = 55 * time.Minute
	// settle is how long a restart whose request may have been lost is waited for. A machine that
	// runs on with its old boot after that was not restarted: serf notices a restart in seconds.
	settle = 5 * time.Minute
	// maxTries is how often the restart of a machine is requested before it is given up.
	maxTries = 3
)

// Rolling is a plan to restart machines under a budget. Only a new budget changes it.
type Rolling struct {
	StartedAt time.Time `json:"started_at"`
	// By is the operator, as USER@HOST.
	By     string `json:"by"`
	Budget Budget `json:"budget"`
	// Targets are restarted in this order, as far as the budget allows it.
	Targets []Target `json:"machines"`
}

// Target is a machine that is restarted.
type Target struct {
	Serial string `json:"serial"`
	Rack   int    `json:"rack"`
	// Direct is true if the machine is restarted by its BMC, and not by CKE.
	Direct bool `json:"direct,omitempty"`
	// Boots are the boots of the machine when the plan was made.
	Boots []string `json:"boots,omitempty"`
}

// before returns the boots that do not count as restarts. later are those of a later time than the
// plan's, which count if the plan has none.
func (t Target) before(later []string) []string {
	if len(t.Boots) > 0 {
		return t.Boots
	}
	return later
}

// Progress is how far the machines of a Rolling are. Machines are numbered as in the plan; those
// that it does not contain are left.
type Progress struct {
	// Done have booted since the plan was made, and are healthy.
	Done []int `json:"done,omitempty"`
	// Skipped are not to be restarted any more.
	Skipped []int `json:"skipped,omitempty"`
	// Out are machines whose restart was requested, and is not done.
	Out []Out `json:"out,omitempty"`
	// Lost is how often the request for the restart of a machine was lost.
	Lost map[int]int `json:"lost,omitempty"`
	// Measured is the number of restarts that took, added up, Took.
	Measured int           `json:"measured,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
}

// Out is a machine whose restart was requested.
type Out struct {
	Machine int `json:"machine"`
	// Tried is when the restart was requested.
	Tried time.Time `json:"tried"`
	// Sure is true if the request was seen to work. It is stored as false before the request.
	Sure bool `json:"sure,omitempty"`
	// Begun is when the restart was first seen to have begun.
	Begun time.Time `json:"begun,omitzero"`
	// Since is when its time to come back has begun. It is zero while the machine is in CKE's queue.
	Since time.Time `json:"since,omitzero"`
	// Boots are the boots of the machine when the restart was requested, if the plan has none.
	Boots []string `json:"boots,omitempty"`
}

// View is what was observed of the fleet. The queue must have been read before the members of serf:
// a node leaves the queue after its boot.
type View struct {
	// Now is the time, in the time zone of the window.
	Now time.Time
	// Machines are all machines in sabakan.
	Machines []sabakan.Machine
	// Nodes are the nodes of Kubernetes by address, with true for those of the control plane.
	Nodes map[netip.Addr]bool
	// Queue are the addresses in CKE's reboot queue, with true where CKE has begun.
	Queue map[netip.Addr]bool
	// Members are the members of serf by the serial numbers of machines.
	Members map[string][]statesetter.Member
}

// Step is what has to be done next.
type Step struct {
	// Progress has what View has shown, and the machines of Entries and Direct as Out. It must be
	// stored before anything is done.
	Progress Progress
	// Entries have to be added to CKE's reboot queue; see [Plan]. Direct have to be restarted by
	// their BMCs. After that, [Rolling.Confirm] must be called for those that worked.
	Entries [][]sabakan.Machine
	Direct  []sabakan.Machine
	// Skipped are the machines that are skipped from now on, and Failed those that have not come
	// back in time. The latter count as out until they come back.
	Skipped, Failed []Trouble
	// Left is how many machines were not begun. Unavailable is how many machines of the fleet are
	// out, including those of Entries and Direct.
	Left, Unavailable int
	// Opens is when restarts may begin again; zero if that is now.
	Opens time.Time
	// Ended is true if nothing is left to wait for: all machines are done, skipped, given up or
	// failed, or those that have failed use up the budget of those that are left.
	Ended bool
}

// Trouble is why a machine was not restarted, or has not come back.
type Trouble struct {
	Serial string
	Err    error
}

// Clone returns a copy of the progress that can be changed.
func (p Progress) Clone() Progress {
	p.Done, p.Skipped, p.Out = slices.Clone(p.Done), slices.Clone(p.Skipped), slices.Clone(p.Out)
	p.Lost = maps.Clone(p.Lost)
	return p
}

// Confirm marks the restarts of machines as requested for certain, by serial number.
func (r Rolling) Confirm(p *Progress, serials ...string) {
	for i, o := range p.Out {
		if slices.Contains(serials, r.Targets[o.Machine].Serial) {
			p.Out[i].Sure = true
		}
	}
}

// Skip marks machines as skipped that were Out, by serial number.
func (r Rolling) Skip(p *Progress, serials ...string) {
	p.Out = slices.DeleteFunc(p.Out, func(o Out) bool {
		skip := slices.Contains(serials, r.Targets[o.Machine].Serial)
		if skip {
			p.Skipped = append(p.Skipped, o.Machine)
		}
		return skip
	})
}

// Left returns the numbers of the machines that are neither done, nor skipped, nor out, nor given up.
func (r Rolling) Left(p Progress) []int {
	return slices.DeleteFunc(r.rest(p), func(i int) bool { return p.Lost[i] >= maxTries })
}

// GivenUp returns the numbers of the machines whose restart was requested in vain. They run on.
func (r Rolling) GivenUp(p Progress) []int {
	return slices.DeleteFunc(r.rest(p), func(i int) bool { return p.Lost[i] < maxTries })
}

// rest returns the numbers of the machines that are neither done, nor skipped, nor out.
func (r Rolling) rest(p Progress) []int {
	begun := make([]bool, len(r.Targets))
	for _, i := range slices.Concat(p.Done, p.Skipped) {
		begun[i] = true
	}
	for _, o := range p.Out {
		begun[o.Machine] = true
	}
	var left []int
	for i := range r.Targets {
		if !begun[i] {
			left = append(left, i)
		}
	}
	return left
}

// Valid reports whether all numbers of the progress are those of machines of the plan, each once.
func (r Rolling) Valid(p Progress) bool {
	seen := map[int]bool{}
	all := slices.Concat(p.Done, p.Skipped)
	for _, o := range p.Out {
		all = append(all, o.Machine)
	}
	for _, i := range all {
		if i < 0 || i >= len(r.Targets) || seen[i] {
			return false
		}
		seen[i] = true
	}
	return true
}
