package setup

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// run is a setup that is under way on this server.
type run struct {
	Options
	leads bool
	// began: an earlier try has been here.
	began    bool
	token    meet.Token
	identity hostkey.Identity
	progress *progress
	link     link
	etcd     *clientv3.Client
	// saying keeps lines apart: the leader's desk has something to say, too.
	saying sync.Mutex

	// What all know after they have met.
	facts map[int]Facts

	// What the leader alone has.
	authorities map[pki.Authority]pki.CA
	rootToken   string
}

// Leader is the server that leads the setup of lrns.
func Leader(lrns []int) int { return slices.Min(lrns) }

// subject is a server as its certificates name it.
func (r *run) subject(lrn int) pki.Subject {
	f := r.facts[lrn]
	return pki.NewSubject(lrn, f.HostName, f.Bastion)
}

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

// say tells the operator something of a stage.
func (r *run) say(stage, format string, args ...any) {
	r.saying.Lock()
	defer r.saying.Unlock()
	fmt.Fprintf(r.Out, "%s  %-12s  %s\n", r.Now().Format("15:04:05"), stage, printable.Line(fmt.Sprintf(format, args...)))
}

// table is what this run goes through.
func (r *run) table() []stage {
	if r.CheckOnly {
		return table()[:checks]
	}
	return table()
}

// stages goes through the table.
func (r *run) stages(ctx context.Context) error {
	if r.leads && len(r.Recovery) == 0 && !r.CheckOnly {
		r.say("preflight", "no --recovery-recipient is given: without one, nothing brings the data centre back whose certificates have expired")
	}
	for n, s := range r.table() {
		start := r.Now()
		if err := r.stage(ctx, n, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.say(s.name, "done (%s)", duration.Text(r.Now().Sub(start).Round(10*time.Millisecond)))
		// From then on it is known for whom the setup is.
		if n < checks-1 || r.CheckOnly {
			continue
		}
		if err := r.record(s.name); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := r.putFinished(ctx, s.name); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// record remembers that a stage was done.  A try that goes through the stages
// again is never less far than an earlier one.
func (r *run) record(stage string) error {
	if !r.past(stage) {
		r.progress.Done = stage
	}
	return r.progress.save(r.FS)
}

// stage is one row.  The others may be slow to come, so the wait for them has
// a deadline of its own.
func (r *run) stage(ctx context.Context, n int, s stage) error {
	if n > 0 { // before the first, nobody has met
		if err := r.await(ctx, n, s); err != nil {
			return err
		}
	}
	if s.each != nil {
		r.say(s.name, "%s", s.says)
		if err := r.act(ctx, n, s, s.each); err != nil {
			return err
		}
	}
	if n == 0 {
		return r.open(ctx)
	}
	return nil
}

// patience is how long a server waits for the others to come to a stage: an
// operator has to start setup on all of them, or again on one.
const patience = 30 * time.Minute

// CheckPatience is how long a check waits for the others: it has to run on all
// of them at once.
const CheckPatience = 5 * time.Minute

// await blocks until the others have done the stage before and the leader its
// part of this one.
func (r *run) await(ctx context.Context, n int, s stage) error {
	late := func(lrns []int) { r.say(s.name, "waits for boot server %s", lrnList(lrns)) }
	limit := patience
	if r.CheckOnly {
		limit = CheckPatience
	}
	wait, cancel := withDeadline(ctx, limit, "the other boot servers")
	defer cancel()
	if err := r.link.await(wait, Position{Stage: n}, !r.leads && s.led != nil, late); err != nil {
		return err
	}
	if !r.leads || s.led == nil {
		return nil
	}
	r.say(s.name, "%s, for all", s.says)
	if err := r.act(ctx, n, s, s.led); err != nil {
		return err
	}
	return r.link.await(ctx, Position{Stage: n}, true, nil)
}

func withDeadline(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s: took longer than %s: %w", what, d, context.DeadlineExceeded))
}
