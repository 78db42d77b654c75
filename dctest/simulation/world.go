package simulation

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// Options are the parameters of a simulation.
type Options struct {
	Seed uint64
	// Servers is the number of boot servers; 0 means a random number from 3 to 5.
	Servers int
	// Faults are the faults that may happen; nil means all.
	Faults []Fault
	// Kill, if not nil, is the only fault that happens.
	Kill *Kill
	// Plant is a bug that the simulation has to detect; the zero Plant is none.
	Plant Plant
	// Trace makes the result contain all events, and not only the last ones.
	Trace bool
}

// Result is the result of a simulation.
type Result struct {
	Violation error
	Trace     []string
	// Runs is the number of requested runs.
	Runs int
	// Faults counts how often each fault has happened.
	Faults map[Fault]int
	Time   time.Duration
}

// event is a call that is scheduled for a point of simulated time.
type event struct {
	at  time.Duration
	seq int
	do  func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// world is the state of a simulated data centre.
type world struct {
	Options
	rng      *rand.Rand
	now      time.Duration
	seq      int
	queue    queue
	etcd     *etcd
	table    update.Table
	servers  []*server
	updaters []*updaterProc
	faulty   bool
	trace    []string
	err      error
	runs     int
	// published counts how often the outcome of each once-action was accepted, by run and
	// name of the action's record.
	published map[string]int
	kill      *Kill
	// happened counts how often each fault has happened.
	happened map[Fault]int
	// stoppedAt is when the operator noticed that the run was stopped; 0 if it was not.
	stoppedAt time.Duration
}

// Times of a simulation.
const (
	// faultTime is how long faults happen. After it, no new fault happens.
	faultTime = 3 * time.Minute
	// healTime is how long the newest version may then take to be complete. Otherwise the
	// simulation reports a violation.
	healTime = 30 * time.Minute
	// workerTimeout is how long a run may take before the updater stops it.
	workerTimeout = 10 * time.Minute
	workerTTL     = 10 * time.Second
	updaterTTL    = 60 * time.Second
	relist        = 30 * time.Second
	traceKept     = 60
)

// versions are the versions that are released during a simulation, oldest first.
var versions = [...]string{"2026.01.01-1", "2026.01.01-2", "2026.01.02-1"}

// Run simulates one data centre. It ends when the newest version is complete on all
// servers, or an invariant is violated.
func Run(o Options) Result {
	w := &world{
		Options: o, rng: rand.New(rand.NewPCG(o.Seed, 0x6e65636f)), table: Table(), faulty: o.Kill == nil,
		published: map[string]int{}, kill: o.Kill, happened: map[Fault]int{},
	}
	w.etcd = newEtcd(w)
	n := o.Servers
	if n == 0 {
		n = 3 + w.rng.IntN(3)
	}
	w.build(n)
	w.scheduleFaults()
	end := faultTime + healTime
	for w.err == nil && len(w.queue) > 0 && w.now < end {
		e := heap.Pop(&w.queue).(event)
		w.now = e.at
		w.etcd.expire()
		e.do()
		if w.done() {
			break
		}
	}
	if w.err == nil && !w.done() {
		w.fail("I9: no run completes within %s after all faults have healed: %s", healTime, w.describe())
	}
	return Result{Violation: w.err, Trace: w.trace, Runs: w.runs, Faults: w.happened, Time: w.now}
}

func (w *world) build(n int) {
	for lrn := range n {
		w.etcd.put(storage.BootServerKey(lrn), struct{}{}, 0)
		s := &server{w: w, lrn: lrn, version: versions[0], group: map[string]string{}, effects: map[string]bool{}}
		for _, g := range w.groups() {
			s.group[g] = versions[0]
		}
		w.servers = append(w.servers, s)
		w.after(w.between(0, time.Second), s.boot)
	}
	for i := range 2 {
		u := &updaterProc{w: w, name: fmt.Sprint("boot-", i), lrn: i}
		w.updaters = append(w.updaters, u)
		w.after(w.between(0, time.Second), u.boot)
	}
	w.etcd.put(storage.KeyRelease, versions[1], 0)
	if w.Kill == nil {
		w.after(w.between(time.Minute, 2*time.Minute), func() { w.etcd.put(storage.KeyRelease, versions[2], 0) })
	}
}

// after schedules a call of f at d from now.
func (w *world) after(d time.Duration, f func()) {
	w.seq++
	heap.Push(&w.queue, event{w.now + d, w.seq, f})
}

func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}

// chance returns true with the probability 1/n, at random.
func (w *world) chance(n int) bool { return w.rng.IntN(n) == 0 }

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%9.3fs ", w.now.Seconds())+fmt.Sprintf(format, args...))
	if !w.Trace && len(w.trace) > 4*traceKept {
		w.trace = slices.Clone(w.trace[len(w.trace)-traceKept:])
	}
}

func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
		w.log("VIOLATION %v", w.err)
	}
}

// done reports whether the simulation may end: no more faults happen, the newest version
// is complete on all servers, and all services run in it.
func (w *world) done() bool {
	if w.faulty && w.now < faultTime {
		return false
	}
	st := w.etcd.state()
	if st.Request == nil || st.Request.Stop || !st.Complete() || st.Request.Version != w.etcd.keys[storage.KeyRelease].val {
		return false
	}
	for _, s := range w.servers {
		for _, v := range s.group {
			if v != st.Request.Version {
				return false
			}
		}
		if len(s.journal) > 0 {
			return false
		}
	}
	return true
}

func (w *world) describe() string {
	st := w.etcd.state()
	var b strings.Builder
	if st.Request != nil {
		fmt.Fprintf(&b, "request %s stop %v %q;", st.Request.Version, st.Request.Stop, st.Request.Reason)
	}
	for _, s := range w.servers {
		own := st.Statuses[s.lrn]
		fmt.Fprintf(&b, " %d: %s %s %s %q groups %v", s.lrn, own.Version, own.Arrival(), own.Cond, own.Message, s.group)
	}
	return b.String()
}
