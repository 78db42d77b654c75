// Package fleet keeps the states of all machines in sabakan's inventory: one boot server leads,
// observes the machines by serf and by the metrics of their hardware, and tells sabakan the
// states that pkg/statesetter decides.
//
// It owns the requests to serf and to the machines, and what a leader leaves to the next one. It
// must not know what makes a machine unhealthy.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// SerfAddress is the address of serf's RPC endpoint on a boot server.
	SerfAddress = "127.0.0.1:7373"
	// MetricsPort is the port on which monitor-hw of a machine has the metrics of its hardware.
	MetricsPort = 9105
	// Parallel is from how many machines metrics are read at the same time by default.
	Parallel = 30
	// Timeout is how long serf or a machine has time for an answer.
	Timeout = 10 * time.Second
)

// Observer observes the machines.
type Observer struct {
	Sabakan *sabakan.Client
	// Serf is the address of the RPC endpoint of serf.
	Serf string
	// Metrics is the client with which metrics and alerts are read.
	Metrics *http.Client
	// MetricsURL returns the URL of the metrics of a machine.
	MetricsURL func(netip.Addr) string
	// Parallel is from how many machines metrics are read at the same time. Machines that do not
	// answer for a moment do not count until they answer.
	Parallel int
	// Timeout is how long a machine has time for its metrics.
	Timeout time.Duration
	// Budget is how long the metrics of all machines are read. Those that are not read by then are
	// skipped.
	Budget time.Duration
	// Progress, if it is not nil, is called after each answer.
	Progress func()

	flight *singleflight.Group
}

// New returns an observer on a boot server. It uses no proxy.
func New(c *sabakan.Client, serf string) Observer {
	return Observer{
		Sabakan: c, Serf: serf,
		Metrics: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		MetricsURL: func(a netip.Addr) string { return fmt.Sprintf("http://%s/metrics", netip.AddrPortFrom(a, MetricsPort)) },
		Parallel:   Parallel,
		Timeout:    Timeout,
		Budget:     time.Minute,
		flight:     &singleflight.Group{},
	}
}

// Observe judges all machines of sabakan by the configuration c and by alarms. It reads metrics
// only of machines that are judged, have a living member of serf, no alarm and a type with metrics,
// in random order.
// It blocks until all answers are there, each for at most o.Timeout and together for at most
// o.Budget, or ctx ends. An error means that sabakan or serf does not answer; what is wrong with
// a machine is in its verdict.
func (o Observer) Observe(ctx context.Context, c statesetter.Config, alarms statesetter.Alarms) ([]statesetter.Judgement, error) {
	o.progress()
	machines, err := o.Sabakan.Search(ctx, sabakan.Params{}, nil)
	if err != nil {
		return nil, err
	}
	o.progress()
	members, err := o.Members(ctx)
	if err != nil {
		return nil, err
	}
	o.progress()
	all := make([]statesetter.Judgement, len(machines))
	var ask []int // positions in all
	for i, m := range machines {
		j := &all[i]
		j.Machine = m
		switch {
		case !statesetter.Judged(m.Status.State):
		case len(m.Spec.IPv4) == 0:
			j.Verdict = statesetter.Verdict{Reason: "the machine has no address in sabakan"}
		default:
			j.Observation.Members = members[m.Spec.IPv4[0]]
			j.Observation.Alarm = alarms.Of(m)
			if j.Observation.Asked = c.NeedsMetrics(m, j.Observation); j.Observation.Asked {
				ask = append(ask, i)
			} else {
				j.Verdict = c.Judge(m, j.Observation)
			}
		}
	}
	rand.Shuffle(len(ask), func(i, j int) { ask[i], ask[j] = ask[j], ask[i] })
	until, cancel := context.WithTimeoutCause(ctx, o.Budget, errBudget)
	defer cancel()
	slots := make(chan struct{}, o.Parallel)
	var g errgroup.Group
	g.SetLimit(mostAsked)
	for _, i := range ask {
		s, err := takeSlot(until, slots)
		if err != nil {
			o.skip(&all[i], err)
			continue
		}
		g.Go(func() error {
			defer s.release()
			o.ask(until, c, s, &all[i])
			o.progress()
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	return all, context.Cause(ctx)
}

// errBudget is the cause with which requests for metrics end after the time for all of them.
var errBudget = errors.New("the time for the metrics of all machines is over")

// skip leaves a machine as it is.
func (o Observer) skip(j *statesetter.Judgement, err error) {
	j.Observation.Asked = false
	j.Verdict = statesetter.Verdict{Skipped: true, Reason: err.Error()}
}

// ask reads the metrics of a machine and judges it, or skips it if the time for that is over.
func (o Observer) ask(ctx context.Context, c statesetter.Config, s *slot, j *statesetter.Judgement) {
	seen := j.Observation
	var err error
	seen.Samples, err = o.metrics(ctx, s, j.Machine.Spec.IPv4[0], c.MetricsOf(j.Machine))
	if errors.Is(err, errBudget) {
		o.skip(j, err)
		return
	}
	if err != nil {
		seen.NoMetrics = err.Error()
	}
	j.Verdict = c.Judge(j.Machine, seen)
	j.Observation.NoMetrics = seen.NoMetrics // the samples are not kept: those of all machines need much memory
}

func (o Observer) progress() {
	if o.Progress != nil {
		o.Progress()
	}
}
