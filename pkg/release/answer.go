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

// maxRefusal bounds the body that is read of an unsuccessful response.
const maxRefusal = 64 << 10

// refusal classifies an unsuccessful response of a search or download, and reads its
// body. It returns
//   - a *RateLimitedError if the server accepts requests again after some time;
//   - a *statusError that is final if the same request would fail again;
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

// statusError is the error of an unsuccessful HTTP status.
type statusError struct {
	status string
	code   int
}

// Error returns the status.
func (e *statusError) Error() string { return "server answered " + e.status }

// final reports whether the same request would fail again. Statuses that are not listed
// may be temporary: the page of a release is missing while caches are filled, and a proxy
// refuses requests while its configuration is loaded.
func (e *statusError) final() bool {
	switch e.code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
		http.StatusGone, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusUnavailableForLegalReasons:
		return true
	}
	return false
}

// isNotFound reports whether err is a response with status 404.
func isNotFound(err error) bool {
	var answered *statusError
	return errors.As(err, &answered) && answered.code == http.StatusNotFound
}

// apiError classifies an error of the GitHub client by the response in it, and drops
// the URL from the error where it adds nothing.
func apiError(err error) error {
	resp := answerIn(err)
	if resp == nil {
		return transportError(err)
	}
	err = refusal(resp, time.Now())
	if resp.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("%w (check github-token)", err)
	}
	return err
}

// answerIn returns the response from which the GitHub client has made err; nil: there
// was none. The client leaves the body readable.
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

// statusText returns the status with Go's text for it, because the text of a server
// could be anything.
func statusText(resp *http.Response) string {
	text := strconv.Itoa(resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " " + name
	}
	return text
}
