package simulation

import "time"

// process is a simulated program that can be killed and paused. When it is killed, its
// scheduled calls are dropped; while it is paused, they are delayed.
type process struct {
	alive  bool
	paused time.Duration // the end of the pause
	gen    int
	// quiet is when the effect of the last fault on this process ended.
	quiet time.Duration
	// cut is the time until which requests of this process to etcd get no response.
	cut time.Duration
	// lease is the ID of the process's lease. leaseEnd is when the process has to assume
	// that it has expired.
	lease    int
	leaseEnd time.Duration
	// revoked is the ID of a lease that a fault has revoked. The process notices that
	// only at its next request; until then, etcd refuses its writes, but not its actions
	// on the host.
	revoked int
}

// live calls f after d. It drops the call if p is killed before, and delays it while p is
// paused.
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

// request simulates a request to etcd by the process p. do performs the request, unless
// p is cut off. answer is called when the response arrives; if none arrives, it is
// called after a timeout, with lost set.
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

// keepAlive renews the lease of p repeatedly until it is lost, and then calls lost. p
// learns of the loss from a response, or when the lease's TTL has passed since it sent
// the last successful request.
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
