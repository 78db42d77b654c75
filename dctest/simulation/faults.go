package simulation

import (
	"fmt"
	"maps"
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
	// FaultLease: a lease ends early.
	FaultLease Fault = "lease"
	// FaultCut: requests get no answer for a while.
	FaultCut Fault = "cut"
	// FaultOperator: somebody stops a run.
	FaultOperator Fault = "operator"
	// FaultReply: the reply to a request is lost.
	FaultReply Fault = "reply"
	// FaultWatch: events are late, repeated or lost.
	FaultWatch Fault = "watch"
	// FaultSlow: an action takes longer than its deadline.
	FaultSlow Fault = "slow"
	// FaultFail: an action fails.
	FaultFail Fault = "fail"
	// FaultRelease: an action fails by the fault of the release.
	FaultRelease Fault = "release"
)

// outside are the faults that hit a process from outside, with how often each is
// drawn, relative to the others.  act reports whether the fault has happened.
var outside = []struct {
	Fault
	weight int
	act    func(*world, victim) bool
}{
	{FaultKill, 4, (*world).killProcess},
	{FaultPause, 4, (*world).pause},
	{FaultLease, 2, (*world).endLease},
	{FaultCut, 2, (*world).cutOff},
	{FaultOperator, 1, (*world).stopRun},
}

// inside are the faults that the model draws where they happen, each once in n
// occasions.
var inside = map[Fault]int{
	FaultReply:   200,
	FaultWatch:   20,
	FaultSlow:    400,
	FaultFail:    25,
	FaultRelease: 2000,
}

// Faults returns all kinds of fault.
func Faults() []Fault {
	all := slices.Sorted(maps.Keys(inside))
	for _, f := range outside {
		all = append(all, f.Fault)
	}
	return all
}

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

// may reports whether f may happen now.
func (w *world) may(f Fault) bool {
	return w.faulty && w.now < faultTime && (w.Faults == nil || slices.Contains(w.Faults, f))
}

// happens draws whether f, a fault from inside, happens now.
func (w *world) happens(f Fault) bool {
	if !w.may(f) || !w.chance(inside[f]) {
		return false
	}
	w.happened[f]++
	return true
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
	v := w.victim()
	v.quiet = w.now
	total := 0
	for _, f := range outside {
		total += f.weight
	}
	n := w.rng.IntN(total)
	for _, f := range outside {
		if n -= f.weight; n >= 0 {
			continue
		}
		if w.may(f.Fault) && v.alive && f.act(w, v) {
			w.happened[f.Fault]++
		}
		return
	}
}

// victim is a process that a fault hits.
type victim struct {
	*process
	name    string
	restart func(after time.Duration)
}

func (w *world) victim() victim {
	if w.chance(4) {
		u := w.updaters[w.rng.IntN(len(w.updaters))]
		return victim{&u.process, "updater " + u.name, u.restart}
	}
	s := w.servers[w.rng.IntN(len(w.servers))]
	return victim{&s.process, fmt.Sprint("worker ", s.lrn), s.restart}
}

func (w *world) killProcess(v victim) bool {
	w.log("%s is killed", v.name)
	v.restart(w.between(time.Second, 3*time.Second))
	return true
}

func (w *world) pause(v victim) bool {
	d := w.between(time.Second, 40*time.Second)
	w.log("%s is paused for %s", v.name, d)
	v.paused, v.quiet = w.now+d, w.now+d
	return true
}

func (w *world) endLease(v victim) bool {
	w.log("the lease of %s is revoked", v.name)
	w.etcd.revoke(v.lease)
	v.revoked = v.lease
	return v.lease != 0
}

func (w *world) cutOff(v victim) bool {
	d := w.between(time.Second, 30*time.Second)
	w.log("%s is cut off for %s", v.name, d)
	v.cut, v.quiet = w.now+d, w.now+d
	return true
}

// stopRun is "neco stop".
func (w *world) stopRun(victim) bool {
	st := w.etcd.state()
	if !st.UnderWay() {
		return false
	}
	r := *st.Request
	r.Stop, r.Outcome, r.Reason = true, update.OutcomeStopped, "the operator says so"
	w.log("the operator stops the run")
	w.etcd.put(storage.KeyRequest, r, 0)
	return true
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
			w.etcd.deletePrefix(storage.KeyStatus)
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
