package release

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/go-github/v45/github"
)

// maxRefusal bounds what is read of an answer that is no success.
const maxRefusal = 64 << 10

// refusal classifies an answer that is no success, for search and download
// alike, and reads its body:
//
//   - a *RateLimitedError: the server answers again after a time;
//   - a *statusError that is final: the same request fails again;
//   - any other *statusError: the same request may succeed later.
func refusal(resp *http.Response, now time.Time) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		body = nil // the status counts, its explanation did not arrive
	}
	if limited := rateLimited(resp, string(body), now); limited != nil {
		return limited
	}
	return &statusError{status: statusText(resp), code: resp.StatusCode}
}

// statusError says that a server answered with a status that is no success.
type statusError struct {
	status string
	code   int
}

// Error tells the status.
func (e *statusError) Error() string { return "server answered " + e.status }

// final reports whether the same request fails again. Every status that is not
// listed may pass: a release's page is missing while caches are filled, and a
// proxy refuses while its configuration is loaded.
func (e *statusError) final() bool {
	switch e.code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusGone, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// isNotFound reports whether a server answered that something does not exist.
func isNotFound(err error) bool {
	var answered *statusError
	return errors.As(err, &answered) && answered.code == http.StatusNotFound
}

// apiError classifies an error of the GitHub client by the answer in it, and
// drops the addresses that it carries where they add nothing.
func apiError(err error) error {
	resp := answerIn(err)
	if resp == nil {
		return transportError(err)
	}
	err = refusal(resp, time.Now())
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%w (is the github-token right?)", err)
	}
	return err
}

// answerIn returns the answer of which the GitHub client has made err; nil:
// there was none. The client leaves the body readable.
func answerIn(err error) *http.Response {
	var (
		limit  *github.RateLimitError
		abuse  *github.AbuseRateLimitError
		factor *github.TwoFactorAuthError
		answer *github.ErrorResponse
	)
	switch {
	case errors.As(err, &limit):
		return limit.Response
	case errors.As(err, &abuse):
		return abuse.Response
	case errors.As(err, &factor):
		return factor.Response
	case errors.As(err, &answer):
		return answer.Response
	}
	return nil
}

// statusText is the status in our own words: a server's own could be anything.
func statusText(resp *http.Response) string {
	text := strconv.Itoa(resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " " + name
	}
	return text
}
