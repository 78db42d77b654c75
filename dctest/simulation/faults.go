package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Fault is a kind of fault.
type Fault string

// The kinds of fault.
const (
	// FaultKill: a worker or an updater is killed and started again.
	FaultKill Fault = "kill"
	// FaultPause: a process is paused, also beyond its lease.
	FaultPause Fault = "pause"
	// FaultSlow: an action takes longer than its deadline.
	FaultSlow Fault = "slow"
	// FaultLease: a lease ends early, requests get no answer, replies are lost.
	FaultLease Fault = "lease"
	// FaultWatch: events are late, repeated or lost.
	FaultWatch Fault = "watch"
	// FaultRelease: an action fails by the fault of the release.
	FaultRelease Fault = "release"
	// FaultOperator: somebody stops a run.
	FaultOperator Fault = "operator"
)

// KillPoint is when, in an action, a worker is killed.
type KillPoint int

// The four points: before the action has an effect, in the middle of it, when
// it is done, and after that was reported.
const (
	KillBefore KillPoint = iota
	KillDuring
	KillAfter
	KillReported
)

// Kill names one place at which one worker is killed, once.
type Kill struct {
	LRN, Step int
	Point     KillPoint
	done      bool
}

// maybeKill kills the worker if this is the place.
func (s *server) maybeKill(p update.Place, a update.Action, point KillPoint) bool {
	k := s.w.kill
	if k == nil || k.done || k.LRN != s.lrn || k.Step != p.Step || k.Point != point || len(s.m.Again) > 0 {
		return false
	}
	k.done = true
	s.w.log("worker %d is killed at %d/%s", s.lrn, p.Step, a.Name)
	s.restart(time.Second)
	return true
}

// faultsOn reports whether f may happen now.
func (w *world) faultsOn(f Fault) bool {
	return w.faulty && w.now < faultTime && (w.Faults == nil || slices.Contains(w.Faults, f))
}

// scheduleFaults draws the faults that come from outside.
func (w *world) scheduleFaults() {
	if !w.faulty {
		return
	}
	for t := time.Duration(0); t < faultTime; t += w.between(time.Second, 12*time.Second) {
		w.after(t, w.fault)
	}
	w.operator()
}

// fault is one fault from outside.
func (w *world) fault() {
	p, name, restart := w.victim()
	p.quiet = w.now
	switch f := []Fault{FaultKill, FaultPause, FaultLease, FaultOperator}[w.rng.IntN(4)]; {
	case !w.faultsOn(f) || !p.alive:
	case f == FaultKill:
		w.log("%s is killed", name)
		restart(w.between(time.Second, 3*time.Second))
	case f == FaultPause:
		d := w.between(time.Second, 40*time.Second)
		w.log("%s is paused for %s", name, d)
		p.paused, p.quiet = w.now+d, w.now+d
	case f == FaultLease && w.chance(2):
		w.log("the lease of %s is revoked", name)
		w.etcd.revoke(p.lease)
		p.revoked = p.lease
	case f == FaultLease:
		d := w.between(time.Second, 30*time.Second)
		w.log("%s is cut off for %s", name, d)
		p.cut, p.quiet = w.now+d, w.now+d
	case f == FaultOperator && w.chance(4):
		w.stopRun()
	}
}

func (w *world) victim() (*process, string, func(time.Duration)) {
	if w.chance(4) {
		u := w.updaters[w.rng.IntN(len(w.updaters))]
		return &u.process, "updater " + u.name, u.restart
	}
	s := w.servers[w.rng.IntN(len(w.servers))]
	return &s.process, fmt.Sprint("worker ", s.lrn), s.restart
}

// stopRun is "neco stop".
func (w *world) stopRun() {
	st := w.etcd.state()
	if !st.UnderWay() {
		return
	}
	r := *st.Request
	r.Stop, r.Outcome, r.Reason = true, update.OutcomeStopped, "the operator says so"
	w.log("the operator stops the run")
	w.etcd.put(storage.KeyRequest, r, 0)
}

// operator is "neco recover", some time after a run was stopped, and later
// "neco recover --retry" where the release is marked as bad.
func (w *world) operator() {
	w.after(w.between(5*time.Second, 15*time.Second), func() {
		st := w.etcd.state()
		switch {
		case st.Request == nil && w.chance(4):
			w.retryReleases()
		case st.Request == nil || !st.Request.Stop:
			w.stoppedAt = 0
		case w.stoppedAt == 0:
			w.stoppedAt = w.now
		case w.now-w.stoppedAt >= restoreTime:
			w.checkServices()
			w.stoppedAt = 0
			w.log("the operator recovers")
			w.etcd.deletePrefix("status/")
			w.etcd.deletePrefix(storage.KeyContents)
		}
		w.operator()
	})
}

// retryReleases takes the marks of bad releases away.
func (w *world) retryReleases() {
	if len(w.etcd.badReleases()) > 0 {
		w.log("the operator retries the bad releases")
		w.etcd.deletePrefix(storage.KeyBadReleases)
	}
}
