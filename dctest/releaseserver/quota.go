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

// window is how long GitHub counts requests before it starts anew.
const window = time.Hour

// quota counts the requests of each caller: an address, or a token.
type quota struct {
	limits map[bool]int // by whether the caller has a token
	now    func() time.Time

	mu   sync.Mutex
	used map[string]*count
}

type count struct {
	n     int
	until time.Time
}

// state is what a caller is told about its requests.
type state struct {
	limit, used int
	reset       time.Time
	exceeded    bool
}

func newQuota(anonymous, token int, now func() time.Time) *quota {
	return &quota{limits: map[bool]int{false: anonymous, true: token}, now: now, used: map[string]*count{}}
}

// take counts n requests of a caller, and none that is over the limit.
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

// forget drops the counts whose window is over. It needs the lock.
func (q *quota) forget(now time.Time) {
	for caller, c := range q.used {
		if !now.Before(c.until) {
			delete(q.used, caller)
		}
	}
}

// write puts the state into the header fields that GitHub uses.
func (st state) write(h http.Header) {
	if st.limit < 0 {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(st.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(st.limit-st.used, 0)))
	h.Set("X-RateLimit-Used", strconv.Itoa(st.used))
	// Rounded up: asked again at that second, the server does answer.
	h.Set("X-RateLimit-Reset", strconv.FormatInt(st.reset.Add(time.Second-1).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

// identify returns who asks, whether with a token, and whether that token is
// one of the server's.
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
