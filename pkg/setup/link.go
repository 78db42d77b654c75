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

// link connects this server to the request handlers of the leader. The leader is
// connected to its own handlers.
type link interface {
	// await reports that this server is at p, and blocks until all servers are at p. If
	// led is true, a server that is not the leader also waits until the leader has
	// completed its part of the stage; the leader only reports that it has, without
	// waiting. late is called with the servers that await still waits for, and again
	// when they change.
	await(ctx context.Context, p Position, led bool, late func([]int)) error
	// call sends the request in for method to the leader and decodes the answer into
	// out.
	call(ctx context.Context, method string, in, out any) error
	// present reports that this server is at p. It does not wait for the other servers.
	present(ctx context.Context, p Position)
	// leave reports that this server is at p and sends no more requests. On the leader
	// it blocks until all other servers have left, but for at most leaveTimeout.
	leave(ctx context.Context, p Position) error
	close()
}

// These constants are the methods of the requests to the leader.
const (
	methodHello       = "hello"
	methodAwait       = "await"
	methodFacts       = "facts"
	methodSign        = "sign"
	methodHostKey     = "host-key"
	methodCredentials = "credentials"
)

// greeting is the body of a methodHello request, the first request on each connection.
type greeting struct {
	Facts
	At Position `json:"at"`
}

// awaiting is the body of a methodAwait request.
type awaiting struct {
	At  Position `json:"at"`
	Led bool     `json:"led"`
}

// waited is the answer to a methodAwait request. Late lists the servers that have not
// reached the position; it is empty if all servers have reached it.
type waited struct {
	Late []int `json:"late"`
}

// hold is how long a server waits for other servers before it reports which of them are
// late.
const hold = 2 * time.Second

// handlers answers the requests that all servers, including the leader itself, send to
// the leader. Its methods are called concurrently.
type handlers struct {
	Options
	shared   *shared
	lines    *stage.Lines
	peers    *peers
	assembly *assembly
	attempts sync.Map // set of the attempts that have printed an error
}

// attempts is the stage.Printer for one method of the server lrn. It prints only the
// first transient error, although the server repeats the request.
type attempts struct {
	handlers *handlers
	lrn      int
	method   string
}

// Print implements stage.Printer.
func (a attempts) Print(name stage.Name, text string) {
	if _, printed := a.handlers.attempts.LoadOrStore(a, true); !printed {
		a.handlers.lines.Print(name, text)
	}
}

// newHandlers returns the request handlers of the leader. They start with the facts
// that an earlier attempt stored.
func newHandlers(r *run) *handlers {
	return &handlers{
		Options: r.Options, shared: r.shared, lines: r.lines,
		peers: newPeers(), assembly: newAssembly(r.LRNs, r.progress.Facts),
	}
}

// handle answers a request of the server lrn, which has been authenticated.
func (h *handlers) handle(ctx context.Context, lrn int, method string, body json.RawMessage) (any, error) {
	switch method {
	case methodHello:
		return answer(body, func(g greeting) (struct{}, error) { return struct{}{}, h.hello(lrn, g) })
	case methodAwait:
		return answer(body, func(q awaiting) (waited, error) { return h.await(ctx, lrn, q) })
	case methodFacts:
		return answer(body, func(f Facts) (map[int]Facts, error) { return h.gather(ctx, lrn, f) })
	}
	// The leader can serve the other methods only at the stage of the caller. A
	// leader that was started again has not reached it yet.
	if err := h.caughtUp(ctx, lrn); err != nil {
		return nil, err
	}
	// The client receives only the text of an error, so transient errors are
	// retried here, until ctx ends.
	var a any
	at := min(h.peers.of(lrn).Stage, len(table())-1)
	out := attempts{h, lrn, method}
	err := stage.Retry(ctx, out, table()[at].Name, func() (err error) {
		a, err = h.serve(ctx, lrn, method, body)
		return err
	})
	if ctx.Err() == nil {
		h.attempts.Delete(out)
	}
	return a, err
}

// serve answers the requests for which the leader needs its CAs, etcd or the root
// token.
func (h *handlers) serve(ctx context.Context, lrn int, method string, body json.RawMessage) (any, error) {
	switch method {
	case methodSign:
		return answer(body, func(q signing) (signed, error) { return h.sign(lrn, q) })
	case methodHostKey:
		return answer(body, func(q hostKey) (struct{}, error) { return struct{}{}, h.hostKey(ctx, lrn, q) })
	case methodCredentials:
		return answer(body, func(struct{}) (credentials, error) { return h.credentials(ctx, lrn) })
	}
	return nil, fmt.Errorf("the leader does not support the request %q", method)
}

// hello stores the facts and the position that the server lrn has reported in g.
func (h *handlers) hello(lrn int, g greeting) error {
	if err := h.greet(lrn, g.Facts); err != nil {
		return err
	}
	h.peers.arrive(lrn, g.At)
	return nil
}

// caughtUp blocks until the leader has reached the stage of the server lrn and has
// completed its own part of that stage. It returns an error if ctx ends first.
func (h *handlers) caughtUp(ctx context.Context, lrn int) error {
	if lrn == h.LRN {
		return nil
	}
	n := h.peers.of(lrn).Stage
	led := n < len(table()) && table()[n].led != nil
	return h.peers.await(ctx, []int{h.LRN}, Position{Stage: n, Led: led}, nil)
}

// answer decodes the request in body, passes it to f and returns the result of f.
func answer[Q, A any](body json.RawMessage, f func(Q) (A, error)) (any, error) {
	var q Q
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("malformed request: %w", err)
	}
	return f(q)
}

func (h *handlers) await(ctx context.Context, lrn int, q awaiting) (waited, error) {
	h.peers.arrive(lrn, q.At)
	short, cancel := context.WithTimeout(ctx, hold)
	defer cancel()
	others := slices.DeleteFunc(slices.Clone(h.LRNs), func(n int) bool { return n == h.LRN })
	err := h.peers.await(short, others, Position{Stage: q.At.Stage}, nil)
	if err == nil {
		err = h.peers.await(short, []int{h.LRN}, Position{Stage: q.At.Stage, Led: q.Led}, nil)
	}
	if err == nil {
		return waited{}, nil
	}
	if ctx.Err() != nil {
		return waited{}, context.Cause(ctx)
	}
	late, _ := h.peers.late(others, Position{Stage: q.At.Stage})
	if len(late) == 0 {
		late = []int{h.LRN}
	}
	return waited{late}, nil
}

// printEvent prints the event e of a connection for the operator.
func (h *handlers) printEvent(e meet.Event) {
	switch {
	case e.Kind == meet.Refused && e.LRN == meet.UnknownServer:
		h.lines.Say(stageMeet, "refused a client at %s, which is not the address of a boot server: %v", e.Addr, e.Err)
	case e.Kind == meet.Refused:
		h.refuse(e.LRN, e.Err)
	case e.Kind == meet.Connected:
		h.lines.Say(stageMeet, "boot server %d is connected", e.LRN)
	case h.peers.of(e.LRN).Stage < len(planned(h.CheckOnly)):
		h.lines.Say(stageMeet, "boot server %d is disconnected", e.LRN)
	}
}

// refuse stores why the server lrn was refused. It prints the reason unless that is the
// reason of the last refusal, too.
func (h *handlers) refuse(lrn int, why error) {
	if h.peers.refuse(lrn, why) {
		h.lines.Say(stageMeet, "refused boot server %d: %v", lrn, why)
	}
}

// greet stores the facts f of the server lrn. If they do not fit the leader's facts, it
// refuses the server instead.
func (h *handlers) greet(lrn int, f Facts) error {
	if lrn != h.LRN {
		if err := f.differs(h.ownFacts(), time.Second); err != nil {
			h.refuse(lrn, err)
			return fmt.Errorf("boot server %d does not fit: %w", lrn, err)
		}
	}
	h.assembly.add(lrn, f)
	return nil
}

// gather calls greet, then blocks until the facts of all servers are stored. It returns
// them by LRN, with an error if two servers have the same host name.
func (h *handlers) gather(ctx context.Context, lrn int, f Facts) (map[int]Facts, error) {
	if err := h.greet(lrn, f); err != nil {
		return nil, err
	}
	all, err := h.assembly.wait(ctx)
	if err != nil {
		return nil, err
	}
	return all, check(all)
}

// ownLink connects the leader to its own request handlers.
type ownLink struct {
	handlers *handlers
	stop     func()
}

func (o *ownLink) await(ctx context.Context, p Position, led bool, late func([]int)) error {
	ps := o.handlers.peers
	ps.arrive(o.handlers.LRN, Position{Stage: p.Stage, Led: led})
	if led {
		return nil
	}
	return ps.await(ctx, o.handlers.LRNs, p, late)
}

func (o *ownLink) call(ctx context.Context, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := o.handlers.handle(ctx, o.handlers.LRN, method, body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// leaveTimeout is how long the leader waits for the other servers to leave before it
// ends. During this time, it answers their last requests.
const leaveTimeout = 10 * time.Second

func (o *ownLink) leave(ctx context.Context, p Position) error {
	ctx, cancel := withDeadline(ctx, leaveTimeout, "the other boot servers")
	defer cancel()
	return o.await(ctx, p, false, func([]int) {})
}

func (o *ownLink) present(_ context.Context, p Position) { o.handlers.peers.arrive(o.handlers.LRN, p) }

func (o *ownLink) close() { o.stop() }
