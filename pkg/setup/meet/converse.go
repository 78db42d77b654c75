package meet

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"
)

// maxRunning is how many requests of one peer are answered at a time.
const maxRunning = 16

// talk is the leader's side of one connection after the proof.
type talk struct {
	server *Server
	peer   Peer
	wire   *wire

	mu      sync.Mutex
	running map[uint64]context.CancelFunc
}

// converse answers a peer's requests until the connection ends.  When it
// returns no handler of that connection runs.
func (s *Server) converse(ctx context.Context, w *wire, peer Peer) error {
	t := &talk{server: s, peer: peer, wire: w, running: map[uint64]context.CancelFunc{}}
	ctx, cancel := context.WithCancelCause(ctx)
	defer context.AfterFunc(ctx, w.hang)()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(ErrDisconnected)
	wg.Go(func() { cancel(w.ping(ctx, answer{})) })
	for {
		var req request
		if err := w.receive(&req); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		t.take(ctx, req, &wg)
	}
}

func (t *talk) take(ctx context.Context, req request, wg *sync.WaitGroup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	cancel, known := t.running[req.ID]
	switch {
	case req.ID == 0: // a sign of life
	case req.Cancel:
		if known {
			cancel()
		}
	case known || len(t.running) >= maxRunning:
		wg.Go(func() { t.reply(req, nil, errors.New("too many requests at a time")) })
	default:
		waited, cancel := context.WithCancel(ctx)
		t.running[req.ID] = cancel
		wg.Go(func() { t.answer(ctx, waited, req) })
	}
}

// answer answers one request, whose context is waited.  At the end of the
// connection, ctx, it does so no more: that its handler was cut off is no
// answer.
func (t *talk) answer(ctx, waited context.Context, req request) {
	out, err := t.server.Handle(waited, t.peer, req.Method, req.Body)
	t.mu.Lock()
	t.running[req.ID]()
	delete(t.running, req.ID)
	t.mu.Unlock()
	if ctx.Err() == nil {
		t.reply(req, out, err)
	}
}

// reply sends an answer.  One that cannot be sent is the end of the
// connection, which whoever receives finds out.
func (t *talk) reply(req request, out any, err error) {
	a := answer{ID: req.ID}
	if err == nil && out != nil {
		a.Body, err = json.Marshal(out)
	}
	if err != nil {
		a = failure(req.ID, err)
	}
	if err := t.wire.send(a); errors.Is(err, ErrTooLarge) {
		_ = t.wire.send(failure(req.ID, err))
	}
}

// maxErrorText bounds the text of an error that is sent.
const maxErrorText = 4 << 10

func failure(id uint64, err error) answer {
	text := err.Error()
	if text == "" {
		text = "failed"
	}
	return answer{ID: id, Error: text[:min(len(text), maxErrorText)], Kind: kindOf(err)}
}

// ping sends v again and again until ctx ends or it cannot be sent.
func (w *wire) ping(ctx context.Context, v any) error {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if err := w.send(v); err != nil {
				return err
			}
		}
	}
}
