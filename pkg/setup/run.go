package setup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/stage"
)

// run is a setup that is under way on this server.  Its fields belong to the
// goroutine that goes through the stages; the request handlers of the leader have
// what is in shared, and lines.
type run struct {
	Options
	*shared
	lines *stage.Lines
	leads bool
	// began: an earlier try has been here.
	began    bool
	token    meet.Token
	identity hostkey.Identity
	progress *progress
	link     link
}

func newSetup(o Options) *run {
	return &run{
		Options: o, shared: &shared{}, lines: &stage.Lines{Out: o.Out, Now: o.Now}, leads: o.LRN == Leader(o.LRNs),
	}
}

// Leader is the server that leads the setup of lrns.
func Leader(lrns []int) int { return slices.Min(lrns) }

// target is what components work towards.
func (r *run) target() component.Target {
	_, err := r.FS.Read(neco.DCTestFile)
	return component.Target{
		LRN: r.LRN, Members: r.LRNs, Version: r.Version, Artifacts: r.Artifacts, Private: err != nil,
	}
}

func (r *run) component() component.Host {
	return component.Host{FS: r.FS, Units: r.Units, Containers: r.Containers}
}

// stages goes through the table.
func (r *run) stages(ctx context.Context) error {
	if r.leads && len(r.Recovery) == 0 && !r.CheckOnly {
		r.lines.Say(stagePreflight, "no --recovery-recipient is given: without one, nothing brings the data centre back whose certificates have expired")
	}
	return r.runner().Run(ctx)
}

// runner goes through the stages.  Before the first one, nobody has met.
func (r *run) runner() *stage.Runner[*run] {
	return &stage.Runner[*run]{
		On: r, Stages: stages(), Out: r.lines, Now: r.Now, CheckOnly: r.CheckOnly,
		Done: &r.progress.Done, Save: r.save, Before: r.await, After: r.openAfterPreflight,
	}
}

// save stores how far this server has come on its disk and, once it is there, in
// etcd.  Only after stageMeet it is known for whom the setup is.
func (r *run) save(ctx context.Context, did stage.Name) error {
	if did == stagePreflight {
		return nil
	}
	if err := r.progress.save(r.FS); err != nil {
		return err
	}
	return r.putFinished(ctx, did)
}

// openAfterPreflight makes the link, which lives longer than a stage.
func (r *run) openAfterPreflight(ctx context.Context, s each) error {
	if s.Name != stagePreflight {
		return nil
	}
	return r.open(ctx)
}

// patience is how long a server waits for the others to come to a stage: an
// operator has to start setup on all of them, or again on one.
const patience = 30 * time.Minute

// CheckPatience is how long a check waits for the others: it has to run on all
// of them at once.
const CheckPatience = 5 * time.Minute

// await blocks until the others have done the stage before and the leader its
// part of this one, which it does here.  The others may be slow to come, so the wait
// for them has a deadline of its own.
func (r *run) await(ctx context.Context, s each) error {
	n := stages().Index(s.Name)
	if n == 0 {
		return nil
	}
	led := table()[n].led
	late := func(lrns []int) { r.lines.Say(s.Name, "waits for boot server %s", lrnList(lrns)) }
	limit := patience
	if r.CheckOnly {
		limit = CheckPatience
	}
	wait, cancel := withDeadline(ctx, limit, "the other boot servers")
	defer cancel()
	if err := r.link.await(wait, Position{Stage: n}, !r.leads && led != nil, late); err != nil {
		return err
	}
	if !r.leads || led == nil {
		return nil
	}
	s.Says, s.Act = s.Says+", for all", led
	if err := r.runner().Do(ctx, s); err != nil {
		return err
	}
	return r.link.await(ctx, Position{Stage: n}, true, nil)
}

func withDeadline(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s: %w", what, stage.TookLonger(d)))
}
