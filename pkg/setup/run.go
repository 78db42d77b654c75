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

// run is one attempt of the setup on this server. Only the goroutine that runs the
// stages uses its fields, except shared and lines, which the leader's request handlers
// also use.
type run struct {
	Options
	*shared
	lines *stage.Lines
	leads bool
	// began reports that an earlier attempt ran on this server.
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

// Leader returns the logical rack number (LRN) of the leader of a setup of the servers
// lrns: the lowest LRN.
func Leader(lrns []int) int { return slices.Min(lrns) }

// target returns the desired configuration of the programs on this server.
func (r *run) target() component.Target {
	_, err := r.FS.Read(neco.DCTestFile)
	return component.Target{
		LRN: r.LRN, Members: r.LRNs, Version: r.Version, Artifacts: r.Artifacts, Private: err != nil,
	}
}

func (r *run) component() component.Host {
	return component.Host{FS: r.FS, Units: r.Units, Containers: r.Containers}
}

// stages runs the stages of the setup in order.
func (r *run) stages(ctx context.Context) error {
	if r.leads && len(r.Recovery) == 0 && !r.CheckOnly {
		r.lines.Say(stagePreflight, "warning: no --recovery-recipient is given: without one, the data centre cannot be recovered once its certificates have expired")
	}
	return r.runner().Run(ctx)
}

// runner returns a stage.Runner for the stages of the setup.
func (r *run) runner() *stage.Runner[*run] {
	return &stage.Runner[*run]{
		On: r, Stages: stages(), Out: r.lines, Now: r.Now, CheckOnly: r.CheckOnly,
		Done: &r.progress.Done, Save: r.save, Before: r.await, After: r.openAfterPreflight,
	}
}

// save stores did, the name of the last completed stage, on disk and, once this server
// is connected to etcd, in etcd. It stores nothing after preflight, because only the
// next stage confirms that the servers belong together.
func (r *run) save(ctx context.Context, did stage.Name) error {
	if did == stagePreflight {
		return nil
	}
	if err := r.progress.save(r.FS); err != nil {
		return err
	}
	return r.putFinished(ctx, did)
}

// openAfterPreflight opens the link to the leader after the stage preflight. It runs
// outside of a stage, because the context of a stage ends with the stage.
func (r *run) openAfterPreflight(ctx context.Context, s each) error {
	if s.Name != stagePreflight {
		return nil
	}
	return r.open(ctx)
}

// patience is how long a server waits for the other servers to reach a stage before its
// attempt fails. It gives an operator the time to start setup on all servers, or to
// start it again on one.
const patience = 30 * time.Minute

// CheckPatience is how long a check-only run waits for the other servers before it
// fails. An operator must start it on all of them at about the same time.
const CheckPatience = 5 * time.Minute

// await blocks until the other servers have completed the stage before s and the leader
// has completed its own part of s, which await performs on the leader. The wait does
// not count towards the deadline of s, because the other servers may be started late.
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
