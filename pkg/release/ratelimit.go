package release

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Response headers of GitHub's rate limit: the number of remaining requests, and the time
// at which that number is reset, in seconds since the epoch.
const (
	headerRemaining = "X-RateLimit-Remaining"
	headerReset     = "X-RateLimit-Reset"
)

// defaultRetryAfter is how long a client waits after a refusal that states no time.
// GitHub asks clients to wait for at least a minute in that case.
const defaultRetryAfter = time.Minute

// maxRetryAfter is the longest time for which a rate limit is assumed to last, whatever
// the server states. GitHub counts requests by the hour.
const maxRetryAfter = time.Hour

// RateLimitedError reports that a server refuses requests until RetryAt.
type RateLimitedError struct {
	// RetryAt is when the server accepts requests again, by the local clock. It is at
	// most an hour after the refusal.
	RetryAt time.Time
	// Status is the HTTP status of the refusal, such as "403 Forbidden".
	Status string
}

// Error returns the status and the time.
func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("rate limit reached (%s), retry at %s", e.Status, e.RetryAt.UTC().Format(time.RFC3339))
}

// NotBefore returns the time before which another request would be refused.
func (e *RateLimitedError) NotBefore() time.Time { return e.RetryAt }

// rateLimited returns an error if the response refuses the request because of a rate
// limit, and nil otherwise. A limit without a stated time is assumed to last for
// defaultRetryAfter.
func rateLimited(resp *http.Response, body string, now time.Time) *RateLimitedError {
	wait, announced := retryWait(resp.Header, now)
	if !announced {
		wait = defaultRetryAfter
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if !announced && !isSecondaryLimit(body) {
			return nil // forbidden for another reason
		}
	default:
		return nil
	}
	return &RateLimitedError{RetryAt: now.Add(min(max(wait, 0), maxRetryAfter)), Status: statusText(resp)}
}

// isSecondaryLimit reports whether a refusal with this body is due to GitHub's limit on
// bursts of requests, which no header announces. It searches for the limit's name in the
// message and in the URL of the documentation.
func isSecondaryLimit(body string) bool {
	body = strings.ReplaceAll(strings.ToLower(body), "-", " ")
	return strings.Contains(body, "secondary rate limit") || strings.Contains(body, "abuse rate limit") ||
		strings.Contains(body, "abuse detection")
}

// retryWait returns how long the server refuses requests, by its response header h.
// announced is false if the header does not state it. Absolute times are compared with
// the server's clock, which may differ from the local one.
func retryWait(h http.Header, now time.Time) (wait time.Duration, announced bool) {
	serverNow := serverTime(h, now)
	after := h.Get("Retry-After")
	if seconds, ok := parseSeconds(after); ok {
		return seconds, true
	}
	if at, err := http.ParseTime(after); err == nil {
		return at.Sub(serverNow), true
	}
	if h.Get(headerRemaining) != "0" {
		return 0, false
	}
	reset, err := strconv.ParseInt(h.Get(headerReset), 10, 64)
	if err != nil {
		return defaultRetryAfter, true
	}
	return epochTime(reset).Sub(serverNow), true
}

// serverTime returns the time in the Date header of a response, or now if the header is
// missing.
func serverTime(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return now
}

// parseSeconds returns the duration of text, a number of seconds, but at most
// maxRetryAfter.
func parseSeconds(text string) (time.Duration, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return time.Duration(min(n, int64(maxRetryAfter/time.Second))) * time.Second, n >= 0
}

// maxEpochSeconds is the largest number that epochTime interprets as seconds; it is in
// the year 5138. Greater numbers are milliseconds.
const maxEpochSeconds = 1e11

// epochTime returns the time that is n seconds after the epoch, or n milliseconds if n
// exceeds maxEpochSeconds: some proxies and servers send milliseconds.
func epochTime(n int64) time.Time {
	if n > maxEpochSeconds {
		return time.UnixMilli(n)
	}
	return time.Unix(n, 0)
}
