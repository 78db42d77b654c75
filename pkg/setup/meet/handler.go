package meet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Paths of the channel.
const (
	proofPath = "/proof"
	callPath  = "/call/" // followed by the method
)

// errNotYet ends a request that the leader has not answered within answerTimeout.
var errNotYet = errors.New("no answer yet")

// connKey is the key of a request's *conn in its context.
type connKey struct{}

// ServeHTTP implements http.Handler.  The first request of a connection must be a
// proof.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	if peer := c.peer.Load(); peer != nil {
		s.answer(w, r, c, *peer)
	} else {
		s.greet(w, r, c)
	}
}

// greet checks the proof of a client.  If it refuses the client, it closes the
// connection after the answer.
func (s *service) greet(w http.ResponseWriter, r *http.Request, c *conn) {
	peer, reply, err := refuse(BadMessage)
	if r.Method == http.MethodPost && r.URL.Path == proofPath {
		peer, reply, err = s.judge(r.Context(), readBody(w, r, c, maxGreeting), c.ConnectionState(), c.addr)
	}
	var leave func()
	if err == nil {
		var ok bool
		if leave, ok = s.places.enter(peer.LRN, maxConnections); !ok {
			_, reply, err = refuse(fmt.Errorf("%w: boot server %d has %d connections", Busy, peer.LRN, maxConnections))
		}
	}
	if err != nil {
		c.fail(err)
		w.Header().Set("Connection", "close")
		send(w, http.StatusForbidden, reply)
		return
	}
	c.admit(peer, leave)
	s.OnEvent(Event{Connected, c.addr, peer.LRN, nil})
	send(w, http.StatusOK, reply)
}

// answer answers a request of an authenticated server.
func (s *service) answer(w http.ResponseWriter, r *http.Request, c *conn, peer Peer) {
	body := readBody(w, r, c, MaxMessage)
	ctx, cancel := context.WithTimeoutCause(r.Context(), answerTimeout, errNotYet)
	defer cancel()
	out, err := s.handle(ctx, peer, strings.TrimPrefix(r.URL.Path, callPath), body)
	switch {
	case r.Context().Err() != nil: // an answer would make the client repeat the request to a leader that ends
		panic(http.ErrAbortHandler)
	case err != nil && ctx.Err() != nil:
		w.WriteHeader(http.StatusAccepted)
	case err != nil:
		send(w, http.StatusInternalServerError, newCallError(err))
	default:
		send(w, http.StatusOK, out)
	}
}

// handle calls Handle in a goroutine of its own, because net/http would recover a
// panic.
func (s *service) handle(ctx context.Context, peer Peer, method string, body json.RawMessage) (out any, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = s.Handle(ctx, peer, method, body)
	}()
	<-done
	return out, err
}

// readBody reads a body of at most limit bytes.  On an error it ends the connection
// and panics with http.ErrAbortHandler.
func readBody(w http.ResponseWriter, r *http.Request, c *conn, limit int64) []byte {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		err = fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	if err != nil {
		c.fail(err)
		panic(http.ErrAbortHandler)
	}
	return data
}

// send sends v in JSON, or an error if v cannot be encoded.  If writing fails,
// net/http closes the connection.
func send(w http.ResponseWriter, status int, v any) {
	data, err := marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		data, _ = marshal(newCallError(err))
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
