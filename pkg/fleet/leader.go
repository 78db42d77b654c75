package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/election"
	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// StallLimit is how long a leader may make no progress, beside the pause between two rounds,
	// before it loses the leadership.
	StallLimit = time.Minute
	// requestTimeout is how long etcd has time for a response.
	requestTimeout = 5 * time.Second
)

// DefaultValve limits the machines that become unhealthy or unreachable.
func DefaultValve() statesetter.Valve {
	return statesetter.Valve{
		Rack:     statesetter.Limit{Machines: 3, Percent: 25},
		Fleet:    statesetter.Limit{Machines: 10, Percent: 5},
		Interval: time.Hour,
		Hold:     5 * time.Minute,
	}
}

// Options are what a keeper of states needs.
type Options struct {
	LRN      int
	Hostname string
	Etcd     *clientv3.Client
	Log      *slog.Logger
	Observer Observer
	Config   statesetter.Config
	Valve    statesetter.Valve
	// Interval is the time between the beginnings of two rounds.
	Interval time.Duration
	// TTL is the time after which another server leads if this one is lost.
	TTL time.Duration
	// Stats are the metrics of the keeper.
	Stats *Stats
	// Settle is how long a machine that has retired is not switched off by the schedule.
	Settle time.Duration
	// BMCPort is the port of BMCs; 0: that of HTTPS.
	BMCPort uint16
	// Pulse is the pulse of the main loop.
	Pulse *liveness.Pulse
}

// Run competes for the leadership, and leads, until ctx ends. A leader that cannot read the
// machines or the members of serf, or that serf has separated from most machines, gives the
// leadership up, because another server may do better. The caller must hold a lock of the host, so that no other process of this kind runs here.
func Run(ctx context.Context, o Options) {
	b := backoff.NewExponentialBackOff()
	b.MaxInterval = 30 * time.Second
	for ctx.Err() == nil {
		o.Pulse.Suspend()
		began := time.Now()
		err := o.clearLeftovers(ctx)
		if err == nil {
			err = election.Hold(ctx, o.Etcd, storage.KeyStateSetterLeader, o.Hostname, o.TTL, o.lead)
		}
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > o.TTL {
			b.Reset()
		}
		o.Log.Warn("not the leader", "err", err)
		_ = neco.SleepContext(ctx, b.NextBackOff())
	}
}

// clearLeftovers deletes the keys that killed processes of this host have left.
func (o Options) clearLeftovers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return election.RevokeLeftovers(ctx, o.Etcd, storage.KeyStateSetterLeader, func(_, value string) bool {
		return value == o.Hostname
	})
}

// lead does a round in each interval until one fails or ctx ends, and returns the reason.
func (o Options) lead(ctx context.Context, s *election.Session, h election.Holder) error {
	o.Pulse.Beat()
	o.Log.Info("is the leader", "host", o.Hostname)
	o.Stats.leader.Set(1)
	defer func() {
		o.Stats.leader.Set(0)
		o.Stats.forget()
	}()
	o.Observer.Progress = o.Pulse.Beat
	l := leader{Options: o, store: storage.New(o.Etcd), said: map[string]string{}, guard: storage.Guard{
		Holder: h.Key, HolderRev: h.Rev, Lost: storage.ErrNotLeader, LRN: o.LRN,
	}}
	retirer := newRetirer(&l)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		err := o.Pulse.AwaitStall(ctx)
		s.Abandon(err)
		return err
	})
	g.Go(func() error { return l.loop(ctx, retirer) })
	g.Go(func() error { return retirer.run(ctx) })
	g.Go(func() error { return l.shutDown(ctx) })
	return g.Wait()
}

// leader is a keeper that leads.
type leader struct {
	Options
	store *storage.Storage
	guard storage.Guard
	// blind is in how many rounds in a row serf has not reached most machines.
	blind int
	// closed are the causes for which changes were not made in the last round, by the name of the
	// group, and reported is when they were last logged.
	closed   map[string]statesetter.Cause
	reported time.Time
	// said are the texts that were logged last, by subject.
	said map[string]string
}

func (l *leader) loop(ctx context.Context, r *retirer) error {
	tick := time.NewTicker(l.Interval)
	defer tick.Stop()
	for {
		began := time.Now()
		err := l.round(ctx, r)
		l.Stats.round(began, err)
		if err != nil {
			return err
		}
		if took := time.Since(began); took > l.Interval {
			l.Log.Warn("a round takes longer than the time between two", "took", took)
		}
		l.Pulse.Allow(l.Interval)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// round observes all machines and tells sabakan their states. It records what it is about to do
// before it does it: the next leader counts these changes, too.
func (l *leader) round(ctx context.Context, r *retirer) error {
	given, err := l.allowances(ctx) // before the observation: one that is given later may be for a state that is not observed
	if err != nil {
		return err
	}
	all, err := l.observe(ctx)
	if err != nil {
		return err
	}
	kept, before, err := l.remembered(ctx, all)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	outcome, after := l.Config.Round(now, l.Interval, l.Valve, all, before)
	l.report(now, outcome.Closings)
	retirement := r.decide(now, all, given, before)
	l.once("retirement", strings.Join(retirement.Stopped, "; "))
	after.Held, after.Retired = retirement.Held, retirement.Lately
	l.Stats.observed(all, outcome, after, retirement)
	if err := l.remember(ctx, kept, after); err != nil {
		return err
	}
	if err := l.change(ctx, outcome.Changes); err != nil {
		return err
	}
	r.order(retirement.Machines)
	l.publish(ctx, kept, statesetter.NewReport(all, outcome, retirement, r.failures(), reported(kept)))
	l.forgetApprovals(ctx, all, given.approved)
	if !outcome.Blind {
		l.blind = 0
	} else if l.blind++; l.blind >= blindRounds {
		return errBlind
	}
	return nil
}

// observe observes all machines. Without an answer of Alertmanager, it takes that there is no alert.
func (l *leader) observe(ctx context.Context) ([]statesetter.Judgement, error) {
	alarms, err := l.Observer.Alarms(ctx, l.Config)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	trouble := ""
	if err != nil {
		trouble = fmt.Sprintf("alerts are ignored: %v", err)
	}
	l.once("alerts", trouble)
	return l.Observer.Observe(ctx, l.Config, alarms)
}

// blindRounds is in how many rounds in a row serf must have separated the leader from most
// machines before it gives up.
const blindRounds = 3

// errBlind is the reason for which a leader gives up that is separated from most machines.
var errBlind = errors.New("serf does not reach most machines from here")

const (
	// repeat is the time after which reasons that remain are logged again.
	repeat = time.Hour
	// mostNamed is how many machines a line in the log names.
	mostNamed = 20
)

// report logs why changes are not made, when that changes and once an hour.
func (l *leader) report(now time.Time, closings []statesetter.Closing) {
	closed := map[string]statesetter.Cause{}
	for _, c := range closings {
		closed[c.Name] = c.Cause
	}
	if maps.Equal(closed, l.closed) && (len(closed) == 0 || now.Sub(l.reported) < repeat) {
		return
	}
	l.closed, l.reported = closed, now
	if len(closings) == 0 {
		l.Log.Info("changes machines again")
	}
	for _, c := range closings {
		var serials []string
		for _, change := range c.Held[:min(len(c.Held), mostNamed)] {
			serials = append(serials, change.Serial)
		}
		l.Log.Error("does not change machines to unhealthy or unreachable", "reason", c.Text, "machines", len(c.Held), "serials", serials)
	}
}

// change tells sabakan new states, of at most Parallel machines at the same time. It goes on
// after a machine whose state sabakan does not change, because other programs change states and
// machines, too. An error means that sabakan does not answer.
func (l *leader) change(ctx context.Context, all []statesetter.Change) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.Observer.Parallel)
	for _, c := range all {
		g.Go(func() error {
			log := l.Log.With("machine", c.Serial, "from", c.From, "to", c.To, "reason", c.Reason)
			err := l.Observer.Sabakan.SetState(ctx, c.Serial, c.To)
			l.Stats.changes.WithLabelValues(string(c.To), resultOf(err)).Inc()
			l.Pulse.Beat()
			refused := (*sabakan.Error)(nil)
			switch {
			case errors.Is(err, sabakan.ErrBadTransition), errors.Is(err, sabakan.ErrNotFound):
				log.Debug("the state is not changed", "err", err)
			case errors.As(err, &refused):
				log.Warn("the state is not changed", "err", err)
			case err != nil:
				return err
			default:
				log.Info("the state is changed")
			}
			return nil
		})
	}
	return g.Wait()
}
