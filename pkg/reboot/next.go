package reboot

import (
	"errors"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// decision is what Next works on.
type decision struct {
	Rolling
	View
	step Step
	// machines are those of sabakan by serial number.
	machines map[string]sabakan.Machine
	// begin are the machines whose restart is requested now.
	begin []sabakan.Machine
	// failed are the numbers of machines that have not come back in time.
	failed map[int]bool
}

// Next returns what has to be done after the progress p, by what v shows. It has no side effects.
//
// A machine is done only by evidence: it is not in CKE's queue, serf has another boot of it than
// when the plan was made and no failed unit, and sabakan calls it healthy.
func (r Rolling) Next(p Progress, v View) Step {
	d := &decision{Rolling: r, View: v, machines: map[string]sabakan.Machine{}, failed: map[int]bool{}}
	d.step.Progress = p.Clone()
	for _, m := range v.Machines {
		d.machines[m.Spec.Serial] = m
	}
	if !r.Budget.Window.Open(v.Now) {
		d.step.Opens = r.Budget.Window.Opens(v.Now)
	}
	d.followOut()
	d.sortLeft()
	d.choose()
	plan := NewPlan(d.begin, v.Nodes, nil)
	d.step.Entries, d.step.Direct = plan.Entries, plan.Direct
	return d.step
}

// followOut updates the machines that are out by what is seen of them.
func (d *decision) followOut() {
	p := &d.step.Progress
	var out []Out
	for _, o := range p.Out {
		t := d.Targets[o.Machine]
		begun, queued := d.Queue[Address(d.machines[t.Serial])]
		if queued {
			o.Sure, o.Since = true, time.Time{}
			if begun && o.Begun.IsZero() {
				o.Begun = d.Now
			}
			out = append(out, o)
			continue
		}
		err := d.back(t, o.Boots)
		if err == nil {
			p.Done = append(p.Done, o.Machine)
			if !o.Begun.IsZero() {
				p.Measured++
				p.Took += d.Now.Sub(o.Begun)
			}
			continue
		}
		if o.Since.IsZero() {
			o.Since = d.Now
		}
		switch {
		case d.lost(t, o):
			if p.Lost == nil {
				p.Lost = map[int]int{}
			}
			p.Lost[o.Machine]++
			continue
		case d.Now.Sub(o.Since) >= Comeback:
			d.failed[o.Machine] = true
			d.step.Failed = append(d.step.Failed, Trouble{t.Serial, err})
		}
		out = append(out, o)
	}
	p.Out = out
}

// back returns why a machine has not come back from a restart, or nil. boots are its boots when the
// restart was requested.
func (d *decision) back(t Target, boots []string) error {
	m, known := d.machines[t.Serial]
	if !known {
		return errors.New("it is not in sabakan any more")
	}
	members := d.Members[t.Serial]
	if err := booted(members, t.before(boots)); err != nil {
		return err
	}
	if err := working(members); err != nil {
		return err
	}
	return calledHealthy(m.Status.State)
}

// lost reports whether the request for the restart of a machine that is out, and not in CKE's
// queue, was lost: the machine runs on with its old boot. Then it is left again.
func (d *decision) lost(t Target, o Out) bool {
	members := d.Members[t.Serial]
	_, err := living(members)
	return !o.Sure && d.Now.Sub(o.Tried) >= settle && err == nil && booted(members, t.before(o.Boots)) != nil
}

// request requests the restart of a machine of the plan.
func (d *decision) request(i int) Out {
	t := d.Targets[i]
	o := Out{Machine: i, Tried: d.Now, Since: d.Now}
	if len(t.Boots) == 0 {
		o.Boots = Boots(d.Members[t.Serial])
	}
	if t.Direct {
		o.Begun = d.Now
	}
	d.begin = append(d.begin, d.machines[t.Serial])
	return o
}

// unwanted returns why a machine is not to be restarted any more, or nil.
func (d *decision) unwanted(t Target) error {
	m, known := d.machines[t.Serial]
	_, isNode := d.Nodes[Address(m)]
	switch {
	case !known:
		return errors.New("it is not in sabakan any more")
	case !Restartable(m):
		return fmt.Errorf("it is %s", m.Status.State)
	case t.Direct && isNode:
		return errors.New("it is a node of Kubernetes now")
	case !t.Direct && !isNode:
		return errors.New("it is not a node of Kubernetes any more")
	}
	return nil
}

// Restartable reports whether a machine can be restarted under a budget: boot servers are not, nor
// machines in a state from which they do not become healthy by a restart.
func Restartable(m sabakan.Machine) bool {
	switch m.Status.State {
	case sabakan.Healthy, sabakan.Unhealthy, sabakan.Unreachable:
		return m.Spec.Role != roleBoot
	}
	return false
}

// sortLeft takes those machines out of the left ones that were restarted by others, that others
// have queued, or that are not to be restarted any more.
func (d *decision) sortLeft() {
	p := &d.step.Progress
	for _, i := range d.rest(*p) {
		t := d.Targets[i]
		begun, queued := d.Queue[Address(d.machines[t.Serial])]
		if queued {
			o := Out{Machine: i, Tried: d.Now, Sure: true, Boots: Boots(d.Members[t.Serial])}
			if begun {
				o.Begun = d.Now
			}
			p.Out = append(p.Out, o)
			continue
		}
		if err := d.unwanted(t); err != nil {
			p.Skipped = append(p.Skipped, i)
			d.step.Skipped = append(d.step.Skipped, Trouble{t.Serial, err})
			continue
		}
		// Without a boot from before, a tag that appears is not evidence.
		if len(t.Boots) > 0 && d.back(t, nil) == nil {
			p.Done = append(p.Done, i)
		}
	}
}
