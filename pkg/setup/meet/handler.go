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

// These constants are the URL paths of requests to the leader.
const (
	proofPath = "/proof"
	callPath  = "/call/" // the method follows
)

// errNotYet reports that the leader has not answered a request within answerTimeout.
// The client repeats the request.
var errNotYet = errors.New("no answer yet")

// connKey is the key under which the context of a request holds its *conn.
type connKey struct{}

// ServeHTTP implements http.Handler. The first request on a connection must be a proof.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	if peer := c.peer.Load(); peer != nil {
		s.answer(w, r, c, *peer)
	} else {
		s.greet(w, r, c)
	}
}

// greet checks the proof of a client and answers it. If it refuses the client, the
// connection is closed after the answer.
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

// handle returns the result of Server.Handle. It calls Handle in a goroutine of its
// own, because net/http would recover a panic in the goroutine of the request.
func (s *service) handle(ctx context.Context, peer Peer, method string, body json.RawMessage) (out any, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = s.Handle(ctx, peer, method, body)
	}()
	<-done
	return out, err
}

// readBody returns the body of the request r, of at most limit bytes. On an error it
// ends the connection: it panics with http.ErrAbortHandler.
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

// send answers a request with v in JSON, or with an error if v cannot be encoded. It
// ignores a write error, because net/http then closes the connection.
func send(w http.ResponseWriter, status int, v any) {
	data, err := marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		data, _ = marshal(newCallError(err))
	}
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
