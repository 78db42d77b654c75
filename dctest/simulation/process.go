package simulation

import "time"

// process is a program that can be killed and paused.  What it had scheduled
// is dropped when it is killed, and late when it is paused.
type process struct {
	alive  bool
	paused time.Duration // until when
	gen    int
	// quiet is when the last fault from outside was over.
	quiet time.Duration
	// cut: requests to etcd get no answer until then.
	cut time.Duration
	// lease and its end by the process's own clock.
	lease    int
	leaseEnd time.Duration
	// revoked is a lease that somebody has ended before its time.  Its holder
	// cannot know before it asks: what it does on its host meanwhile is the
	// window that no fencing closes.
	revoked int
}

// live schedules f for as long as this life of p lasts.
func (w *world) live(p *process, d time.Duration, f func()) {
	gen := p.gen
	w.after(d, func() { w.resume(p, gen, f) })
}

func (w *world) resume(p *process, gen int, f func()) {
	if !p.alive || p.gen != gen {
		return
	}
	if w.now < p.paused {
		w.after(p.paused-w.now+time.Millisecond, func() { w.resume(p, gen, f) })
		return
	}
	f()
}

// request is a round trip to etcd: do happens there after a while unless the
// process is cut off; answer is called if the reply arrives, with lost set if
// the process will never know.
func (w *world) request(p *process, do func(), answer func(lost bool)) {
	gen := p.gen
	w.after(w.between(500*time.Microsecond, 4*time.Millisecond), func() {
		if p.gen != gen || !p.alive {
			return
		}
		if w.now < p.cut {
			w.live(p, 5*time.Second, func() { answer(true) })
			return
		}
		do()
		if w.happens(FaultReply) {
			w.log("a reply is lost")
			w.live(p, 5*time.Second, func() { answer(true) })
			return
		}
		w.live(p, w.between(500*time.Microsecond, 4*time.Millisecond), func() { answer(false) })
	})
}

// keepAlive renews the lease until it is lost; the process learns of that by
// its own clock, which it starts when it sends, or from the answer.
func (w *world) keepAlive(p *process, ttl time.Duration, lost func()) {
	lease := p.lease
	sent := w.now
	again := func() {
		if p.lease != lease {
			return
		}
		if w.now >= p.leaseEnd {
			lost()
			return
		}
		w.keepAlive(p, ttl, lost)
	}
	ok := true
	w.request(p, func() { ok = w.etcd.keepAlive(lease, ttl) }, func(missed bool) {
		switch {
		case p.lease != lease:
		case !missed && !ok:
			lost()
		case !missed:
			p.leaseEnd = sent + ttl
			w.live(p, ttl/3, again)
		default:
			w.live(p, 100*time.Millisecond, again)
		}
	})
}
