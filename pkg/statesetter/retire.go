package statesetter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// MostRetiring is how many machines may retire within RetiringInterval without approval. More are
	// likely a mistake, and what they lose cannot be had again.
	MostRetiring = 10
	// RetiringInterval is the time in which retiring and retired machines count.
	RetiringInterval = 24 * time.Hour
	// retirePerRound and retirePerRack are how many machines lose their keys in one round.
	retirePerRound, retirePerRack = 5, 1
	// roleBoot is the role of boot servers.
	roleBoot = "boot"
)

// Retiring is what operators and earlier rounds say about retiring machines.
type Retiring struct {
	// Approved has the machines whose retirement an operator has approved, by serial number, with the
	// begin of the state retiring that was approved.
	Approved map[string]time.Time
	// Tried is how often machines were tried, by serial number.
	Tried map[string]int
	// Before are the machines that were ordered to retire or had retired in earlier rounds, by serial
	// number, with the time of that. They count even if sabakan does not know them any more.
	Before map[string]time.Time
	// Servers are the LRNs of the registered boot servers, whose racks have the same numbers.
	Servers []int
	// Held are the machines that need an approval since an earlier round, by serial number.
	Held map[string]bool
}

// Retirement is what is done with retiring machines in a round.
type Retirement struct {
	// Machines lose the keys of their disks and the content of their TPM.
	Machines []sabakan.Machine
	// Held are the machines that need an approval, in this round and in later ones.
	Held map[string]bool
	// Lately are the machines that have retired or were ordered to within RetiringInterval, by serial
	// number, with the time of that.
	Lately map[string]time.Time
	// Waiting is how many of them have none, and Stopped why machines do not retire, for people.
	Waiting int
	Stopped []string
}

// Retire returns which retiring machines lose their keys in a round at the time now: at most five,
// and one in a rack, first those that were tried least often. If more than MostRetiring are
// retiring, or have retired or were ordered to within RetiringInterval, all that are retiring then
// need an approval, until they are not retiring any more. A registered boot server does not retire.
func Retire(now time.Time, all []Judgement, r Retiring) Retirement {
	var retiring []sabakan.Machine
	lately := maps.Clone(r.Before)
	if lately == nil {
		lately = map[string]time.Time{}
	}
	for _, j := range all {
		switch m := j.Machine; m.Status.State {
		case sabakan.Retiring:
			retiring = append(retiring, m)
		case sabakan.Retired:
			lately[m.Spec.Serial] = m.Status.Since
		}
	}
	maps.DeleteFunc(lately, func(_ string, at time.Time) bool { return now.Sub(at) >= RetiringInterval })
	gone := len(lately)
	for _, m := range retiring {
		if _, ok := lately[m.Spec.Serial]; ok {
			gone--
		}
	}
	slices.SortStableFunc(retiring, func(a, b sabakan.Machine) int {
		return cmp.Compare(r.Tried[a.Spec.Serial], r.Tried[b.Spec.Serial])
	})
	many := len(retiring)+gone > MostRetiring
	d := Retirement{Held: map[string]bool{}, Lately: lately}
	var servers []string
	racks := map[int]int{}
	for _, m := range retiring {
		serial := m.Spec.Serial
		if many || r.Held[serial] {
			d.Held[serial] = true
		}
		if m.Spec.Role == roleBoot && slices.Contains(r.Servers, m.Spec.Rack) {
			servers = append(servers, fmt.Sprintf("%s (neco leave %d)", serial, m.Spec.Rack))
			continue
		}
		if d.Held[serial] && !r.approves(m) {
			d.Waiting++
			continue
		}
		if len(d.Machines) < retirePerRound && racks[m.Spec.Rack] < retirePerRack {
			racks[m.Spec.Rack]++
			d.Machines = append(d.Machines, m)
			d.Lately[serial] = now
		}
	}
	if d.Waiting > 0 {
		why := "they were among more than %d within %s, or the record of that is lost"
		if many {
			why = fmt.Sprintf("%d are retiring and %d have retired", len(retiring), gone) + ", more than %d within %s"
		}
		d.Stopped = append(d.Stopped, fmt.Sprintf("%d retiring machines wait for neco nodes approve: "+why, d.Waiting, MostRetiring, RetiringInterval))
	}
	if len(servers) > 0 {
		slices.Sort(servers)
		d.Stopped = append(d.Stopped, "registered boot servers do not retire before they have left: "+strings.Join(servers, ", "))
	}
	return d
}

// approves reports whether an operator has approved that m retires now. An approval for an earlier
// time, or for another machine with the same serial number, does not count.
func (r Retiring) approves(m sabakan.Machine) bool {
	at, ok := r.Approved[m.Spec.Serial]
	return ok && at.Unix() == m.Status.Since.Unix()
}
