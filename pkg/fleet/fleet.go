// Package fleet keeps the states of all machines in sabakan's inventory: one boot server leads,
// observes the machines by serf and by the metrics of their hardware, and tells sabakan the
// states that pkg/statesetter decides.
//
// It owns the requests to serf and to the machines, and what a leader leaves to the next one. It
// must not know what makes a machine unhealthy.
package fleet

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

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
	// timeout is how long serf or a machine has time for an answer.
	timeout = 10 * time.Second
)

// Observer observes the machines.
type Observer struct {
	Sabakan *sabakan.Client
	// Serf is the address of the RPC endpoint of serf.
	Serf string
	// Metrics is the client with which metrics are read.
	Metrics *http.Client
	// MetricsURL returns the URL of the metrics of a machine.
	MetricsURL func(netip.Addr) string
	// Parallel is from how many machines metrics are read at the same time.
	Parallel int
	// Timeout is how long a machine has time for its metrics.
	Timeout time.Duration
	// Missed are the serial numbers of machines that had no member of serf the last time.
	Missed map[string]bool
	// Progress, if it is not nil, is called after each machine.
	Progress func()
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
		Timeout:    timeout,
	}
}

// Observe judges all machines of sabakan by the configuration c. It reads metrics only of
// machines that have a living member of serf and a type with metrics. It blocks until all
// answers are there, each for at most o.Timeout, or ctx ends. An error means that sabakan or
// serf does not answer; what is wrong with a machine is in its verdict.
func (o Observer) Observe(ctx context.Context, c statesetter.Config) ([]statesetter.Judgement, error) {
	machines, err := o.Sabakan.Search(ctx, sabakan.Params{}, nil)
	if err != nil {
		return nil, err
	}
	members, err := Members(ctx, o.Serf)
	if err != nil {
		return nil, err
	}
	all := make([]statesetter.Judgement, len(machines))
	var g errgroup.Group
	g.SetLimit(o.Parallel)
	for i, m := range machines {
		all[i].Machine = m
		if len(m.Spec.IPv4) == 0 {
			all[i].Verdict = statesetter.Verdict{Reason: "the machine has no address in sabakan"}
			continue
		}
		address := m.Spec.IPv4[0]
		seen := &all[i].Observation
		seen.Members, seen.Missed = members[address], o.Missed[m.Spec.Serial]
		if !c.NeedsMetrics(m, *seen) {
			all[i].Verdict = c.Judge(m, *seen)
			continue
		}
		g.Go(func() error {
			var err error
			if seen.Samples, err = o.metrics(ctx, address); err != nil {
				seen.NoMetrics = err.Error()
			}
			all[i].Verdict = c.Judge(m, *seen)
			if o.Progress != nil {
				o.Progress()
			}
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	return all, context.Cause(ctx)
}
