package release

import (
	"net/http"
	"strconv"
	"time"
)

// GitHub announces in these headers how many requests are left, and when the
// count starts anew (in seconds since the epoch).
const (
	headerRemaining = "X-RateLimit-Remaining"
	headerReset     = "X-RateLimit-Reset"
)

// defaultRetryAfter is the wait after a refusal that names no time: GitHub
// asks for at least a minute then.
const defaultRetryAfter = time.Minute

// maxRetryAfter bounds what a server can make us wait: GitHub counts requests
// by the hour.
const maxRetryAfter = time.Hour

// rateLimited returns what a response says about being refused for too many
// requests, or nil if it is no such refusal.
func rateLimited(resp *http.Response, now time.Time) *RateLimitedError {
	retryAt, announced := retryTime(resp.Header, now)
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if !announced {
			return nil // forbidden for another reason
		}
	default:
		return nil
	}
	if !announced {
		retryAt = now.Add(defaultRetryAfter)
	}
	return &RateLimitedError{RetryAt: retryAt, Status: statusText(resp)}
}

// retryTime reads the time at which a server wants to be asked again. Points
// in time count from the server's own clock, which may differ from ours.
func retryTime(h http.Header, now time.Time) (time.Time, bool) {
	wait, ok := retryWait(h, now)
	return now.Add(min(max(wait, 0), maxRetryAfter)), ok
}

func retryWait(h http.Header, now time.Time) (time.Duration, bool) {
	serverNow, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		serverNow = now
	}
	if seconds, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(h.Get("Retry-After")); err == nil {
		return at.Sub(serverNow), true
	}
	if h.Get(headerRemaining) != "0" {
		return 0, false
	}
	reset, err := strconv.ParseInt(h.Get(headerReset), 10, 64)
	if err != nil {
		return defaultRetryAfter, true
	}
	return time.Unix(reset, 0).Sub(serverNow), true
}

// statusText is the status in our own words: a server's own could be anything.
func statusText(resp *http.Response) string {
	text := strconv.Itoa(resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " " + name
	}
	return text
}
