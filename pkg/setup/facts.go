package setup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/lrn"
)

// Facts describe a server: what the leader compares before a setup. Each server reports
// its own Facts to the leader.
type Facts struct {
	HostName string     `json:"host_name"`
	Bastion  netip.Addr `json:"bastion"`
	Version  string     `json:"version"`
	Cluster  string     `json:"cluster"`
	// Time is the time of the server's clock when it reported the facts.
	Time time.Time `json:"time"`
}

// maxSkew is the greatest allowed difference between the clocks of two servers.
// Certificates and leases tolerate it.
const maxSkew = 5 * time.Second

// differs compares f with the leader's facts and returns an error for each problem:
// another version or data centre, the same host name, or a clock that differs by more
// than maxSkew plus took. took is the longest time that f may have been in transit.
func (f Facts) differs(leader Facts, took time.Duration) error {
	var errs []error
	if f.Version != leader.Version {
		errs = append(errs, fmt.Errorf("it has neco %s, the leader %s; install the same package on all", f.Version, leader.Version))
	}
	if f.Cluster != leader.Cluster {
		errs = append(errs, fmt.Errorf("its data centre is %q, that of the leader %q; check /etc/neco/cluster", f.Cluster, leader.Cluster))
	}
	if f.HostName == leader.HostName {
		errs = append(errs, fmt.Errorf("both have the host name %q", f.HostName))
	}
	if skew := leader.Time.Sub(f.Time).Abs(); skew > maxSkew+took {
		errs = append(errs, fmt.Errorf("its clock differs by %s from the leader's, %s are allowed; run chronyc tracking on both", duration.Text(skew.Round(time.Second)), duration.Text(maxSkew)))
	}
	return errors.Join(errs...)
}

// assembly collects the facts that the servers report to the leader.
type assembly struct {
	mu    sync.Mutex
	lrns  []int
	facts map[int]Facts
	all   chan struct{}
}

// newAssembly returns an assembly that waits for the facts of the servers lrns. known
// are the facts, by LRN, that it already contains.
func newAssembly(lrns []int, known map[int]Facts) *assembly {
	a := &assembly{lrns: lrns, facts: map[int]Facts{}, all: make(chan struct{})}
	for lrn, f := range known {
		a.add(lrn, f)
	}
	return a
}

// add stores the facts f of the server lrn. They replace its earlier facts.
func (a *assembly) add(lrn int, f Facts) {
	a.mu.Lock()
	defer a.mu.Unlock()
	complete := len(a.facts) == len(a.lrns)
	a.facts[lrn] = f
	if !complete && len(a.facts) == len(a.lrns) {
		close(a.all)
	}
}

// wait blocks until the facts of all servers are stored, and returns them by LRN. If
// ctx ends first, the error names the servers that have not reported any.
func (a *assembly) wait(ctx context.Context) (map[int]Facts, error) {
	select {
	case <-a.all:
	case <-ctx.Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.facts) < len(a.lrns) {
		missing := slices.DeleteFunc(slices.Clone(a.lrns), func(n int) bool { _, ok := a.facts[n]; return ok })
		return nil, fmt.Errorf("wait for boot server %s: %w", lrnList(missing), context.Cause(ctx))
	}
	return maps.Clone(a.facts), nil
}

// check returns an error if two servers in facts have the same host name.
func check(facts map[int]Facts) error {
	names := map[string]int{}
	for _, lrn := range slices.Sorted(maps.Keys(facts)) {
		name := facts[lrn].HostName
		if other, taken := names[name]; taken {
			return fmt.Errorf("boot servers %d and %d have the same host name %q", other, lrn, name)
		}
		names[name] = lrn
	}
	return nil
}

// lrnList returns lrn.List(lrns), for functions in which a variable named lrn hides the
// package.
func lrnList(lrns []int) string { return lrn.List(lrns) }
