package simulation

import "time"

// process is a program that can be killed and paused. A kill drops its scheduled calls,
// a pause delays them.
type process struct {
	alive  bool
	paused time.Duration // the end of the pause
	gen    int
	// quiet is when the last of processFaults ended.
	quiet time.Duration
	// cut is the time until which requests to etcd get no response.
	cut time.Duration
	// lease is the ID of the lease, leaseEnd its end by the process's clock.
	lease    int
	leaseEnd time.Duration
	// revoked is the ID of a lease that a fault has revoked. Its holder notices that
	// only with its next request. Fencing cannot prevent its actions on the host until
	// then.
	revoked int
}

// live calls f after d, unless p was killed before. If p is paused, the call is
// delayed.
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

// request simulates a round trip to etcd. do runs in etcd, unless the process is cut
// off. answer is called when the response arrives, or with lost set after the request
// timeout if there is no response.
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

// keepAlive renews the lease until it is lost, and calls lost then. The process detects
// the loss by its own clock, measured from the time of the last successful request, or
// from a response.
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
