package simulation

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// server is a simulated boot server with its disk, its services and its worker.
type server struct {
	process
	w   *world
	lrn int

	// version is the version of the installed package. journal lists the stopped groups,
	// as stored on the disk.
	version string
	journal []update.Stopped
	// effects holds the actions that were done on this host, by run and place in the
	// table of steps.
	effects map[string]bool
	// group holds the version in which each group of services runs; empty if the group is
	// stopped.
	group map[string]string
	// old holds the version in which each group ran before it was last stopped.
	old map[string]string

	// m and the following fields are the memory of the worker, which is lost when it is
	// killed.
	m                 update.Member
	presence          int64
	snap              update.State
	fresh             int64
	stale, busy       bool
	lock              update.Lock
	lockKey           string
	lockRev           int64
	candidacy         int
	task              *task
	firstTry, retryAt time.Duration
}

type task struct {
	at     update.Place
	action update.Action
	gen    int
}

// boot starts the worker.
func (s *server) boot() {
	s.alive, s.gen = true, s.gen+1
	s.process.paused, s.cut = 0, 0
	s.m = update.Member{LRN: s.lrn, Version: s.version, HostID: "host", Stopped: slices.Clone(s.journal)}
	s.task, s.lock, s.busy, s.snap = nil, update.LockNone, false, update.State{}
	s.firstTry, s.retryAt, s.fresh = -1, 0, 0
	s.lease, s.presence = 0, 0
	s.w.log("worker %d starts, version %s", s.lrn, s.version)
	// Revoke the leases of the worker's previous process.
	s.w.request(&s.process, func() { s.clearLeftovers() }, func(bool) { s.session() })
	s.tick()
}

func (s *server) clearLeftovers() {
	own := fmt.Sprint(s.lrn)
	s.w.etcd.revokeIf(func(k string, v kv) bool {
		return k == storage.PresenceKey(s.lrn) || strings.HasPrefix(k, storage.KeyWorkerLock) && v.val == own
	})
}

// tick calls step each second. Every 30 seconds (relist), it also makes the worker read
// the state from etcd again.
func (s *server) tick() {
	s.w.live(&s.process, time.Second, func() {
		if s.now()%relist < time.Second {
			s.stale = true
		}
		s.step()
		s.tick()
	})
}

func (s *server) now() time.Duration { return s.w.now }

// session gets a lease and writes the worker's presence key with it. It repeats that
// until it succeeds.
func (s *server) session() {
	sent := s.now()
	s.lease, s.presence, s.stale = 0, 0, true
	var lease int
	var presence int64
	s.w.request(&s.process, func() {
		if _, taken := s.w.etcd.keys[storage.PresenceKey(s.lrn)]; taken {
			return
		}
		lease = s.w.etcd.grant(workerTTL)
		presence = s.w.etcd.put(storage.PresenceKey(s.lrn), presenceValue{s.lrn, update.Presence{Version: s.version}}, lease)
	}, func(lost bool) {
		if lost || presence == 0 {
			s.w.live(&s.process, time.Second, s.session)
			return
		}
		s.lease, s.presence, s.leaseEnd = lease, presence, sent+workerTTL
		s.w.keepAlive(&s.process, workerTTL, s.lost)
		s.step()
	})
}

// lost ends the worker's session and cancels its running action, because its lease is
// lost. The worker does nothing until it has a new session.
func (s *server) lost() {
	if s.presence == 0 {
		return
	}
	s.w.log("worker %d has lost its lease", s.lrn)
	s.lock, s.presence, s.lease = update.LockNone, 0, 0
	if s.task != nil {
		s.endTask(update.Result{Err: errors.New("lease lost"), LeaseLost: true})
		s.firstTry = -1
	}
	s.w.live(&s.process, s.w.between(100*time.Millisecond, 2*time.Second), s.session)
}

// poke makes the worker read the state from etcd again, because it has received the
// notification of a change.
func (s *server) poke() {
	s.w.resume(&s.process, s.gen, func() {
		s.stale = true
		s.step()
	})
}

// step reads the state from etcd if necessary, lets the product decide what the worker
// does next, and does that.
func (s *server) step() {
	if s.busy || s.presence == 0 {
		return
	}
	if s.now() >= s.leaseEnd {
		s.lost()
		return
	}
	if s.stale || s.snap.Revision < s.fresh {
		s.read()
		return
	}
	s.m.Lock, s.m.Work.Elapsed = s.lock, 0
	if s.firstTry >= 0 {
		s.m.Work.Elapsed = s.now() - s.firstTry
	}
	snap := s.snap
	if s.w.Plant.see != nil {
		snap = s.w.Plant.see(s, snap)
	}
	d := s.decide(snap)
	if s.w.Plant.alter != nil {
		d = s.w.Plant.alter(s, snap, d)
	}
	s.apply(d)
}

func (s *server) decide(snap update.State) update.Decision {
	return s.w.table.Decide(s.m, snap, release.Order)
}

func (s *server) read() {
	s.busy = true
	var snap update.State
	s.w.request(&s.process, func() { snap = s.w.etcd.state() }, func(lost bool) {
		s.busy = false
		if !lost {
			s.snap, s.stale = snap, false
		}
		s.step()
	})
}

// stepSoon schedules the next [server.step]. It is called after a decision that takes
// no time to perform.
func (s *server) stepSoon() { s.w.live(&s.process, s.w.between(0, time.Millisecond), s.step) }

func (s *server) apply(d update.Decision) {
	switch d.Do {
	case update.Idle, update.Wait:
	case update.Enter, update.Advance, update.Leave:
		s.m, s.firstTry, s.retryAt = d.Member, -1, 0
		s.stepSoon()
	case update.Start:
		s.start(d)
	case update.Cancel:
		s.m = d.Member
		s.w.log("worker %d cancels: %s", s.lrn, d.Cause)
		s.w.live(&s.process, s.w.between(time.Millisecond, 200*time.Millisecond), func() {
			if s.task != nil {
				s.endTask(update.Result{Err: errors.New(string(d.Cause))})
				s.step()
			}
		})
	case update.Acquire:
		s.acquire()
	case update.Release:
		s.release()
	case update.Ask:
		qualifies := s.lrn%2 == 0 || !s.w.servers[0].alive
		if !qualifies && s.w.table.Action(d.At).Conditional {
			s.effects[s.effect(d.At)] = true // nothing has to be done on this host
		}
		s.m = d.Member.Asked(s.w.table, qualifies, "not here")
		s.stepSoon()
	case update.Restore:
		s.restore(d)
	default:
		s.write(d)
	}
}

// acquire creates the worker's key for the lock, and then waits until that key is the
// oldest one.
func (s *server) acquire() {
	s.candidacy++
	candidacy := s.candidacy
	s.lock, s.lockKey = update.LockWaiting, fmt.Sprintf("%s/%x", storage.KeyWorkerLock, s.lease)
	lease := s.lease
	s.w.request(&s.process, func() {
		if _, ok := s.w.etcd.leases[lease]; !ok {
			return
		}
		if _, ok := s.w.etcd.keys[s.lockKey]; !ok {
			s.w.etcd.put(s.lockKey, fmt.Sprint(s.lrn), lease)
		}
	}, func(bool) { s.checkLock(lease, candidacy) })
}

func (s *server) checkLock(lease, candidacy int) {
	over := func() bool { return s.lock != update.LockWaiting || s.lease != lease || s.candidacy != candidacy }
	if over() {
		return
	}
	won, gone, rev, rev0 := false, false, int64(0), int64(0)
	s.w.request(&s.process, func() {
		have, ok := s.w.etcd.keys[s.lockKey]
		gone = !ok
		won, rev = ok && s.w.etcd.oldest(storage.KeyWorkerLock) == s.lockKey, s.w.etcd.rev
		rev0 = have.create
	}, func(missed bool) {
		switch {
		case over():
		case !missed && gone:
			s.lost()
		case !missed && won:
			s.w.log("worker %d has the lock", s.lrn)
			s.lock, s.lockRev, s.fresh = update.LockHeld, rev0, max(s.fresh, rev)
			s.stale = true
			s.step()
		default:
			s.w.live(&s.process, 20*time.Millisecond, func() { s.checkLock(lease, candidacy) })
		}
	})
}

func (s *server) release() {
	s.w.log("worker %d releases the lock", s.lrn)
	key := s.lockKey
	s.lock = update.LockNone
	s.busy = true
	s.w.request(&s.process, func() {
		if _, ok := s.w.etcd.keys[key]; ok {
			delete(s.w.etcd.keys, key)
			s.w.etcd.rev++
		}
	}, func(missed bool) {
		s.busy = false
		if missed { // the key may still exist
			s.lost()
			return
		}
		s.step()
	})
}

// write performs a decision d that changes etcd. etcd refuses the write if the worker
// has lost its lease or, if d.Do is [update.Publish], the lock.
func (s *server) write(d update.Decision) {
	if s.now() < s.retryAt {
		return
	}
	g := storage.Guard{Holder: storage.PresenceKey(s.lrn), HolderRev: s.presence, Lost: storage.ErrLeaseLost, LRN: s.lrn}
	if s.snap.Request != nil {
		g.RequestRev = s.snap.Request.Rev
	}
	if d.Do == update.Publish {
		g.Holder, g.HolderRev = s.lockKey, s.lockRev
	}
	var err error
	var rev int64
	s.busy = true
	s.w.request(&s.process, func() {
		if err = s.w.etcd.allowed(g); err == nil {
			rev, err = s.put(d)
		}
	}, func(missed bool) {
		s.busy, s.stale = false, true
		switch {
		case missed:
			s.retryAt = s.now() + time.Second
		case errors.Is(err, storage.ErrLeaseLost):
			s.lost()
			return
		case err == nil:
			s.fresh, s.m = max(s.fresh, rev), d.Member
			if d.Do == update.Report && s.maybeKill(update.Place{Step: d.Status.Step - 1}, update.Action{Name: "reported"}, KillReported) {
				return
			}
		}
		s.step()
	})
}

// put writes to etcd what the decision d requires, and returns the revision.
func (s *server) put(d update.Decision) (int64, error) {
	switch d.Do {
	case update.Report:
		s.w.log("worker %d reports %s %s %q", s.lrn, d.Status.Arrival(), d.Status.Cond, d.Status.Message)
		s.w.checkReport(s, d.Status)
		if d.Bad {
			s.w.etcd.put(storage.KeyBadReleases+d.Status.Version, storage.BadRelease{Reason: d.Status.Message, LRN: s.lrn}, 0)
		}
		return s.w.etcd.put(storage.StatusKey(s.lrn), statusValue{s.lrn, d.Status.Stamped(epoch.Add(s.now()))}, 0), nil
	case update.Publish:
		s.w.log("worker %d publishes %s %v", s.lrn, d.RecordName, d.Record.Success)
		s.w.checkPublish(s, d.RecordName)
		return s.w.etcd.put(storage.KeyContents+d.RecordName, d.Record, 0), nil
	case update.WriteSwitch:
		key := storage.KeySwitch + d.Group
		if s.w.etcd.keys[key].mod != d.Replaces {
			return 0, storage.ErrSuperseded
		}
		s.w.log("worker %d decides %s for %s", s.lrn, d.Switch.Side, d.Group)
		return s.w.etcd.put(key, d.Switch, 0), nil
	}
	return 0, fmt.Errorf("decision %s is unknown", d.Do)
}
