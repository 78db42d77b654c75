package simulation

import (
	"fmt"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/updater"
)

// updaterProc is a simulated neco-updater.
type updaterProc struct {
	process
	w    *world
	name string
	lrn  int

	key    string
	rev    int64
	busy   bool
	run    update.RunID
	seenAt time.Duration
	seen   updater.Sightings
}

func (u *updaterProc) boot() {
	u.alive, u.gen, u.busy = true, u.gen+1, false
	u.lease, u.rev = 0, 0
	u.process.paused, u.cut = 0, 0
	u.run, u.seen = update.RunID{}, updater.Sightings{}
	u.w.request(&u.process, u.clearLeftovers, func(bool) { u.campaign() })
	u.tick()
}

func (u *updaterProc) clearLeftovers() {
	u.w.etcd.revokeIf(func(k string, v kv) bool {
		return strings.HasPrefix(k, storage.KeyUpdaterLeader) && v.val == u.name
	})
}

func (u *updaterProc) restart(after time.Duration) {
	u.alive = false
	u.gen++
	gen := u.gen
	u.w.after(after, func() {
		if u.gen == gen {
			u.boot()
		}
	})
}

func (u *updaterProc) tick() {
	u.w.live(&u.process, time.Second, func() {
		u.step()
		u.tick()
	})
}

func (u *updaterProc) campaign() {
	sent := u.w.now
	u.lease, u.rev = 0, 0
	var lease int
	var rev int64
	u.w.request(&u.process, func() {
		lease = u.w.etcd.grant(updaterTTL)
		u.key = fmt.Sprintf("%s/%x", storage.KeyUpdaterLeader, lease)
		rev = u.w.etcd.put(u.key, u.name, lease)
	}, func(lost bool) {
		if lost {
			u.w.live(&u.process, time.Second, u.campaign)
			return
		}
		u.lease, u.rev, u.leaseEnd = lease, rev, sent+updaterTTL
		u.w.keepAlive(&u.process, updaterTTL, u.lost)
	})
}

func (u *updaterProc) lost() {
	if u.lease == 0 {
		return
	}
	u.lease = 0
	u.w.live(&u.process, time.Second, u.campaign)
}

func (u *updaterProc) poke() { u.w.resume(&u.process, u.gen, u.step) }

// step reads the state from etcd, lets the product decide what to do next and does
// that, if this updater is the leader.
func (u *updaterProc) step() {
	if u.busy || u.lease == 0 || u.rev == 0 || u.w.now >= u.leaseEnd {
		return
	}
	u.busy = true
	var snap *storage.Snapshot
	u.w.request(&u.process, func() {
		if u.w.etcd.oldest(storage.KeyUpdaterLeader) == u.key {
			snap = &storage.Snapshot{State: u.w.etcd.state(), Config: storage.Config{WorkerTimeout: workerTimeout}}
			if !u.w.Plant.retryBad {
				snap.Bad = u.w.etcd.badReleases()
			}
			snap.Release, _ = u.w.etcd.keys[storage.KeyRelease].val.(string)
		}
	}, func(lost bool) {
		u.busy = false
		if lost || snap == nil {
			return
		}
		u.act(snap, updater.Decide(snap, u.input(snap)))
	})
}

func (u *updaterProc) input(s *storage.Snapshot) updater.Input {
	run := update.RunID{}
	if s.Request != nil {
		run = s.Request.ID()
	}
	if !run.Equal(u.run) {
		u.run, u.seenAt = run, u.w.now
	}
	u.seen.Note(s)
	return updater.Input{Age: u.w.now - u.seenAt, Seen: u.seen}
}

func (u *updaterProc) act(s *storage.Snapshot, d updater.Decision) {
	g := storage.Guard{Holder: u.key, HolderRev: u.rev, Lost: storage.ErrNotLeader, LRN: u.lrn}
	if s.Request != nil {
		g.RequestRev = s.Request.Rev
	}
	var r update.Request
	switch d.Do {
	case updater.NewRequest, updater.Reconfigure:
		r = update.Request{UpdateRequest: neco.UpdateRequest{Version: d.Version, Servers: d.Servers, StartedAt: epoch.Add(u.w.now)}}
	case updater.Stop:
		r = *s.Request
		r.Stop, r.Outcome, r.Reason = true, d.Outcome, d.Why
	default:
		return
	}
	u.busy = true
	u.w.request(&u.process, func() {
		if u.w.etcd.allowed(g) != nil {
			return
		}
		u.w.log("updater %s: %s %s %s", u.name, d.Do, r.Version, d.Why)
		u.w.checkRequest(r)
		u.w.etcd.put(storage.KeyRequest, r, 0)
	}, func(bool) {
		u.busy = false
		u.step()
	})
}

// epoch is the time at which a simulation starts.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// checkRequest checks two invariants when the updater requests a run. I9: no other run is
// in progress. I11: the release is not marked as bad.
func (w *world) checkRequest(r update.Request) {
	if r.Stop {
		return
	}
	w.runs++
	if st := w.etcd.state(); st.Request != nil && !st.Complete() {
		w.fail("I9: a run of %s is requested while a run of %s is under way", r.Version, st.Request.Version)
	}
	if bad, marked := w.etcd.badReleases()[r.Version]; marked {
		w.fail("I11: a run of %s is requested, a release that is marked as bad: %s", r.Version, bad.Reason)
	}
}
