package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/stage"
)

// link is how a server reaches the leader's board and desk; the leader its own.
type link interface {
	// await reports that this server is at p, and blocks until all are, and
	// the leader has done its part where led is set.
	await(ctx context.Context, p Position, led bool, late func([]int)) error
	// call asks the leader for something.
	call(ctx context.Context, method string, in, out any) error
	// present reports that this server has come as far as p and waits for
	// nothing there.
	present(ctx context.Context, p Position)
	// leave reports that this server is at p and needs the leader no more; who
	// leads blocks until all the others do not need it.
	leave(ctx context.Context, p Position) error
	close()
}

// Methods of the desk.
const (
	methodHello       = "hello"
	methodAwait       = "await"
	methodFacts       = "facts"
	methodSign        = "sign"
	methodHostKey     = "host-key"
	methodCredentials = "credentials"
)

// greeting is the first request on each connection.
type greeting struct {
	Facts
	At Position `json:"at"`
}

// awaiting is a question of methodAwait.
type awaiting struct {
	At  Position `json:"at"`
	Led bool     `json:"led"`
}

// waited is the answer: who is late, nobody if the wait is over.
type waited struct {
	Late []int `json:"late"`
}

// hold is how long an answer may take when somebody is late: the one who waits
// wants to know for whom.
const hold = 2 * time.Second

// desk is what the leader does for the others; its own requests go the same
// way.  Its methods are called from several goroutines.
type desk struct {
	Options
	shared   *shared
	lines    *stage.Lines
	board    *board
	assembly *assembly
	attempts sync.Map // the keys are the attempts that have printed
}

// attempts prints why a request of a server does not succeed yet, once: the
// server repeats its request while it waits.
type attempts struct {
	desk   *desk
	lrn    int
	method string
}

// Print implements stage.Printer.
func (a attempts) Print(name stage.Name, text string) {
	if _, printed := a.desk.attempts.LoadOrStore(a, true); !printed {
		a.desk.lines.Print(name, text)
	}
}

// newDesk begins with what an earlier attempt knew of the servers.
func newDesk(r *run) *desk {
	return &desk{
		Options: r.Options, shared: r.shared, lines: r.lines,
		board: newBoard(), assembly: newAssembly(r.LRNs, r.progress.Facts),
	}
}

// handle answers a request of the server lrn, which has proved that it is it.
func (d *desk) handle(ctx context.Context, lrn int, method string, body json.RawMessage) (any, error) {
	switch method {
	case methodHello:
		return answer(body, func(g greeting) (struct{}, error) { return struct{}{}, d.hello(lrn, g) })
	case methodAwait:
		return answer(body, func(q awaiting) (waited, error) { return d.await(ctx, lrn, q) })
	case methodFacts:
		return answer(body, func(f Facts) (map[int]Facts, error) { return d.gather(ctx, lrn, f) })
	}
	// What follows the leader can do only once it is as far as who asks.  One
	// that was started again is not, for a while.
	if err := d.caughtUp(ctx, lrn); err != nil {
		return nil, err
	}
	// The client receives the text of an error alone, so transient errors are
	// retried here, until ctx ends.
	var a any
	at := min(d.board.of(lrn).Stage, len(table())-1)
	out := attempts{d, lrn, method}
	err := stage.Retry(ctx, out, table()[at].Name, func() (err error) {
		a, err = d.serve(ctx, lrn, method, body)
		return err
	})
	if ctx.Err() == nil {
		d.attempts.Delete(out)
	}
	return a, err
}

// serve does what only the leader can.
func (d *desk) serve(ctx context.Context, lrn int, method string, body json.RawMessage) (any, error) {
	switch method {
	case methodSign:
		return answer(body, func(q signing) (signed, error) { return d.sign(lrn, q) })
	case methodHostKey:
		return answer(body, func(q hostKey) (struct{}, error) { return struct{}{}, d.hostKey(ctx, lrn, q) })
	case methodCredentials:
		return answer(body, func(struct{}) (credentials, error) { return d.credentials(ctx, lrn) })
	}
	return nil, fmt.Errorf("the leader knows no request %q", method)
}

// hello puts a server where it is.
func (d *desk) hello(lrn int, g greeting) error {
	if err := d.greet(lrn, g.Facts); err != nil {
		return err
	}
	d.board.arrive(lrn, g.At)
	return nil
}

// caughtUp blocks until the leader has come to the stage of the server lrn, and
// has done its part of it.
func (d *desk) caughtUp(ctx context.Context, lrn int) error {
	if lrn == d.LRN {
		return nil
	}
	n := d.board.of(lrn).Stage
	led := n < len(table()) && table()[n].led != nil
	return d.board.await(ctx, []int{d.LRN}, Position{Stage: n, Led: led}, nil)
}

// answer decodes a request for f.
func answer[Q, A any](body json.RawMessage, f func(Q) (A, error)) (any, error) {
	var q Q
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("malformed request: %w", err)
	}
	return f(q)
}

func (d *desk) await(ctx context.Context, lrn int, q awaiting) (waited, error) {
	d.board.arrive(lrn, q.At)
	short, cancel := context.WithTimeout(ctx, hold)
	defer cancel()
	others := slices.DeleteFunc(slices.Clone(d.LRNs), func(n int) bool { return n == d.LRN })
	err := d.board.await(short, others, Position{Stage: q.At.Stage}, nil)
	if err == nil {
		err = d.board.await(short, []int{d.LRN}, Position{Stage: q.At.Stage, Led: q.Led}, nil)
	}
	if err == nil {
		return waited{}, nil
	}
	if ctx.Err() != nil {
		return waited{}, context.Cause(ctx)
	}
	late, _ := d.board.late(others, Position{Stage: q.At.Stage})
	if len(late) == 0 {
		late = []int{d.LRN}
	}
	return waited{late}, nil
}

// tell shows who came and went.
func (d *desk) tell(e meet.Event) {
	switch {
	case e.What == meet.Refused && e.LRN == meet.Stranger:
		d.lines.Say(stageMeet, "refused somebody at %s, which is no boot server's address: %v", e.Addr, e.Err)
	case e.What == meet.Refused:
		d.refuse(e.LRN, e.Err)
	case e.What == meet.Connected:
		d.lines.Say(stageMeet, "boot server %d is connected", e.LRN)
	case d.board.of(e.LRN).Stage < len(planned(d.CheckOnly)):
		d.lines.Say(stageMeet, "boot server %d has gone", e.LRN)
	}
}

// refuse shows, and remembers, why a server is not let in.
func (d *desk) refuse(lrn int, why error) {
	if d.board.refuse(lrn, why) {
		d.lines.Say(stageMeet, "refused boot server %d: %v", lrn, why)
	}
}

// greet takes the facts of a server over, unless it does not fit.
func (d *desk) greet(lrn int, f Facts) error {
	if lrn != d.LRN {
		if err := f.differs(d.ownFacts(), time.Second); err != nil {
			d.refuse(lrn, err)
			return fmt.Errorf("boot server %d does not fit: %w", lrn, err)
		}
	}
	d.assembly.add(lrn, f)
	return nil
}

// gather is greet, and answers with everybody's facts when they are there.
func (d *desk) gather(ctx context.Context, lrn int, f Facts) (map[int]Facts, error) {
	if err := d.greet(lrn, f); err != nil {
		return nil, err
	}
	all, err := d.assembly.wait(ctx)
	if err != nil {
		return nil, err
	}
	return all, check(all)
}

// ownLink is the leader's link to itself.
type ownLink struct {
	desk *desk
	stop func()
}

func (o *ownLink) await(ctx context.Context, p Position, led bool, late func([]int)) error {
	b := o.desk.board
	b.arrive(o.desk.LRN, Position{Stage: p.Stage, Led: led})
	if led {
		return nil // who leads waits for nobody then
	}
	return b.await(ctx, o.desk.LRNs, p, late)
}

func (o *ownLink) call(ctx context.Context, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := o.desk.handle(ctx, o.desk.LRN, method, body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// farewell bounds the wait for the others' leave: the answers to what they
// asked before are under way.
const farewell = 10 * time.Second

func (o *ownLink) leave(ctx context.Context, p Position) error {
	ctx, cancel := withDeadline(ctx, farewell, "the other boot servers")
	defer cancel()
	return o.await(ctx, p, false, func([]int) {})
}

func (o *ownLink) present(_ context.Context, p Position) { o.desk.board.arrive(o.desk.LRN, p) }

func (o *ownLink) close() { o.stop() }
