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

// run is a running setup on this server.  Its fields belong to the goroutine that
// runs the stages, except shared and lines, which the request handlers of the leader
// use, too.
type run struct {
	Options
	*shared
	lines *stage.Lines
	leads bool
	// began reports that an earlier attempt ran here.
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

// Leader returns the LRN of the server that leads the setup of lrns.
func Leader(lrns []int) int { return slices.Min(lrns) }

// target returns the desired state of this server's components.
func (r *run) target() component.Target {
	_, err := r.FS.Read(neco.DCTestFile)
	return component.Target{
		LRN: r.LRN, Members: r.LRNs, Version: r.Version, Artifacts: r.Artifacts, Private: err != nil,
	}
}

func (r *run) component() component.Host {
	return component.Host{FS: r.FS, Units: r.Units, Containers: r.Containers}
}

// stages runs the stages of the table.
func (r *run) stages(ctx context.Context) error {
	if r.leads && len(r.Recovery) == 0 && !r.CheckOnly {
		r.lines.Say(stagePreflight, "warning: no --recovery-recipient is given: without one, the data centre cannot be recovered once its certificates have expired")
	}
	return r.runner().Run(ctx)
}

// runner returns the runner of the stages.
func (r *run) runner() *stage.Runner[*run] {
	return &stage.Runner[*run]{
		On: r, Stages: stages(), Out: r.lines, Now: r.Now, CheckOnly: r.CheckOnly,
		Done: &r.progress.Done, Save: r.save, Before: r.await, After: r.openAfterPreflight,
	}
}

// save stores the completed stage on disk and, once this server is connected to
// etcd, in etcd.  It stores nothing before stageMeet has confirmed the servers.
func (r *run) save(ctx context.Context, did stage.Name) error {
	if did == stagePreflight {
		return nil
	}
	if err := r.progress.save(r.FS); err != nil {
		return err
	}
	return r.putFinished(ctx, did)
}

// openAfterPreflight opens the link, whose context must outlast a stage.
func (r *run) openAfterPreflight(ctx context.Context, s each) error {
	if s.Name != stagePreflight {
		return nil
	}
	return r.open(ctx)
}

// patience bounds the wait for the other servers to reach a stage.  Meanwhile an
// operator has to start setup on all of them, or again on one.
const patience = 30 * time.Minute

// CheckPatience bounds the wait of a check for the other servers.  A check has to
// run on all of them at the same time.
const CheckPatience = 5 * time.Minute

// await blocks until the other servers have completed the stage before s and the
// leader has done its part of s.  On the leader, await does that part.  The wait has
// a deadline of its own, because the other servers may be started late.
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
	s.Says, s.Act = s.Says+", for all servers", led
	if err := r.runner().Do(ctx, s); err != nil {
		return err
	}
	return r.link.await(ctx, Position{Stage: n}, true, nil)
}

func withDeadline(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s: %w", what, stage.TookLonger(d)))
}
