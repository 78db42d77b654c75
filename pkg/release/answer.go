package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/go-github/v45/github"
)

// maxRefusal is how many bytes of the body of an unsuccessful response are read; the rest
// is ignored.
const maxRefusal = 64 << 10

// refusal reads the body of an unsuccessful response and returns an error. The type tells
// whether a retry helps:
//
//   - a *RateLimitedError if the server accepts requests again after some time;
//   - a *statusError whose method final returns true, if a retry would fail, too;
//   - any other *statusError if the same request may succeed later.
func refusal(resp *http.Response, now time.Time) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		body = nil // report the status without the body
	}
	if limited := rateLimited(resp, string(body), now); limited != nil {
		return limited
	}
	return &statusError{status: statusText(resp), code: resp.StatusCode}
}

// statusError reports an HTTP response with an unsuccessful status.
type statusError struct {
	status string
	code   int
}

// Error returns the status.
func (e *statusError) Error() string { return "server answered " + e.status }

// final reports whether the same request would fail again. Statuses that it does not list
// may be temporary: for example, the page of a release is missing until caches are
// filled, and a proxy refuses requests until its configuration is loaded.
func (e *statusError) final() bool {
	switch e.code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusGone, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// isNotFound reports whether err is the error of a response with status 404.
func isNotFound(err error) bool {
	var answered *statusError
	return errors.As(err, &answered) && answered.code == http.StatusNotFound
}

// apiError converts err, an error of the GitHub client: into an error of [refusal] if the
// server has responded, and otherwise into a transport error without the URL.
func apiError(err error) error {
	resp := answerIn(err)
	if resp == nil {
		return notJSON(transportError(err))
	}
	err = refusal(resp, time.Now())
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%w (check github-token)", err)
	}
	return err
}

// notJSON explains err if it means that an answer is not JSON, or has other fields than those
// of the API. It returns any other error unchanged.
func notJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) {
		return fmt.Errorf("the answer is not that of GitHub's API: %w", err)
	}
	return err
}

// answerIn returns the HTTP response that caused err, an error of the GitHub client, or
// nil if there was no response. The body of the response can still be read.
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

// statusText returns the status code with Go's text for it. The server's own text is not
// trusted.
func statusText(resp *http.Response) string {
	text := strconv.Itoa(resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " " + name
	}
	return text
}
