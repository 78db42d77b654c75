package releaseserver

import (
	"crypto/subtle"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// window is the time after which the count of a client's requests starts again.
const window = time.Hour

// quota counts the requests of each client. A client is identified by its token, or by
// its address if it has none.
type quota struct {
	limits map[bool]int // by whether the client has a token
	now    func() time.Time

	mu   sync.Mutex
	used map[string]*count
}

type count struct {
	n     int
	until time.Time
}

// state is the state of a client's quota, which is sent in response headers.
type state struct {
	limit, used int
	reset       time.Time
	exceeded    bool
}

func newQuota(anonymous, token int, now func() time.Time) *quota {
	return &quota{limits: map[bool]int{false: anonymous, true: token}, now: now, used: map[string]*count{}}
}

// take adds n to the count of a client's requests and returns the state of the client's
// quota. If n is positive and the client has reached its limit, take adds nothing and
// sets exceeded in the returned state.
func (q *quota) take(caller string, token bool, n int) state {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	q.forget(now)
	c := q.used[caller]
	if c == nil {
		c = &count{until: now.Add(window)}
		q.used[caller] = c
	}
	limit := q.limits[token]
	over := limit >= 0 && n > 0 && c.n >= limit
	if !over {
		c.n = max(c.n+n, 0)
	}
	return state{limit: limit, used: c.n, reset: c.until, exceeded: over}
}

// forget drops the counts whose window has passed. The caller must hold q.mu.
func (q *quota) forget(now time.Time) {
	for caller, c := range q.used {
		if !now.Before(c.until) {
			delete(q.used, caller)
		}
	}
}

// write sets the headers of GitHub's rate limit, unless the client has no limit.
func (st state) write(h http.Header) {
	if st.limit < 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(st.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(st.limit-st.used, 0)))
	h.Set("X-RateLimit-Used", strconv.Itoa(st.used))
	// Rounded up, so that a request at that second is within the new window.
	h.Set("X-RateLimit-Reset", strconv.FormatInt(st.reset.Add(time.Second-1).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

// identify returns the client that has sent a request, and whether the request has a
// token. ok is false if the server does not know that token.
func (s *Server) identify(r *http.Request) (caller string, token, ok bool) {
	given := r.Header.Get("Authorization")
	if given == "" {
		address, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			address = r.RemoteAddr
		}
		return "address " + address, false, true
	}
	_, secret, _ := strings.Cut(given, " ") // "Bearer T" or "token T"
	known := slices.ContainsFunc(s.opts.Tokens, func(t string) bool {
		return subtle.ConstantTimeCompare([]byte(t), []byte(secret)) == 1
	})
	return "token " + secret, true, known
}

func host(r *http.Request) string {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	return strings.ToLower(name)
}
