package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Fault is the name of a kind of fault.
type Fault string

// The kinds of fault.
const (
	// FaultKill kills a worker or an updater, which is started again.
	FaultKill Fault = "kill"
	// FaultPause suspends a process, possibly for longer than the TTL of its lease.
	FaultPause Fault = "pause"
	// FaultLease revokes a lease early.
	FaultLease Fault = "lease"
	// FaultCut cuts a process off: its requests get no response for a while.
	FaultCut Fault = "cut"
	// FaultOperator stops a run, as an operator does.
	FaultOperator Fault = "operator"
	// FaultReply loses the response to a request.
	FaultReply Fault = "reply"
	// FaultWatch delays, repeats or loses events of a watch.
	FaultWatch Fault = "watch"
	// FaultSlow makes an action take longer than its deadline.
	FaultSlow Fault = "slow"
	// FaultFail makes an action fail.
	FaultFail Fault = "fail"
	// FaultRelease makes an action fail because the release is bad.
	FaultRelease Fault = "release"
)

// processFaults are the faults that are injected into a randomly chosen process, with
// their relative frequencies. act injects the fault, and returns false if the fault would
// have no effect.
var processFaults = []struct {
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

// modelFaults are the faults that the model injects while it simulates requests and
// actions. The number n of a fault means that it happens with the probability 1/n on
// each occasion.
var modelFaults = map[Fault]int{
	FaultReply:   200,
	FaultWatch:   20,
	FaultSlow:    400,
	FaultFail:    25,
	FaultRelease: 2000,
}

// Faults returns all kinds of fault.
func Faults() []Fault {
	all := slices.Sorted(maps.Keys(modelFaults))
	for _, f := range processFaults {
		all = append(all, f.Fault)
	}
	return all
}

// KillPoint is the point of time in an action at which a worker is killed.
type KillPoint int

// The kill points: before the action changes the host, while it changes the host, when
// the action is done, and after the worker has reported that the action is done.
const (
	KillBefore KillPoint = iota
	KillDuring
	KillAfter
	KillReported
)

// Kill describes a simulation's only fault: the worker of one boot server is killed once,
// at the given point of the given step.
type Kill struct {
	LRN, Step int
	Point     KillPoint
	done      bool
}

// maybeKill kills the worker if s.w.kill names this server, the step of p, and point.
// It reports whether it has killed the worker.
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

// may reports whether the fault f may happen now.
func (w *world) may(f Fault) bool {
	return w.faulty && w.now < faultTime && (w.Faults == nil || slices.Contains(w.Faults, f))
}

// happens decides randomly whether the fault f happens now, with the probability in
// modelFaults, and counts it if it does.
func (w *world) happens(f Fault) bool {
	if !w.may(f) || !w.chance(modelFaults[f]) {
		return false
	}
	w.happened[f]++
	return true
}

// scheduleFaults schedules the injection of processFaults and the acts of the operator.
func (w *world) scheduleFaults() {
	if !w.faulty {
		return
	}
	for t := time.Duration(0); t < faultTime; t += w.between(time.Second, 12*time.Second) {
		w.after(t, w.fault)
	}
	w.operator()
}

// fault injects one of processFaults into a process. Both are chosen at random.
func (w *world) fault() {
	v := w.victim()
	v.quiet = w.now
	total := 0
	for _, f := range processFaults {
		total += f.weight
	}
	n := w.rng.IntN(total)
	for _, f := range processFaults {
		if n -= f.weight; n >= 0 {
			continue
		}
		if w.may(f.Fault) && v.alive && f.act(w, v) {
			w.happened[f.Fault]++
		}
		return
	}
}

// victim is the process that a fault affects, with its name in the trace and the function
// that restarts it.
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

// stopRun stops the current run, as neco stop does. It returns false if no run is in
// progress.
func (w *world) stopRun(victim) bool {
	st := w.etcd.state()
	if !st.UnderWay() {
		return false
	}
	r := *st.Request
	r.Stop, r.Outcome, r.Reason = true, update.OutcomeStopped, "stopped by the operator"
	w.log("the operator stops the run")
	w.etcd.put(storage.KeyRequest, r, 0)
	return true
}

// operator schedules what an operator does at intervals: neco recover some time after a
// run was stopped, and sometimes neco recover --retry for releases that are marked as
// bad.
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

// retryReleases removes the marks of all bad releases.
func (w *world) retryReleases() {
	if len(w.etcd.badReleases()) > 0 {
		w.log("the operator retries the bad releases")
		w.etcd.deletePrefix(storage.KeyBadReleases)
	}
}
