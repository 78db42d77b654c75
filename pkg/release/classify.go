package release

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v45/github"
)

// kind is what a release was published as.
type kind int

const (
	released kind = iota
	prereleased
	// candidate has a test tag, whatever its pre-release flag says.
	candidate
)

// classify reads version and kind out of a release.
func classify(rel *github.RepositoryRelease) (kind, Version, error) {
	tag := rel.GetTagName()
	isTest := strings.HasPrefix(tag, tagPrefixTest)
	if !isTest && !strings.HasPrefix(tag, tagPrefixRelease) {
		return released, Version{}, fmt.Errorf("tag %q: neither %s nor %s", tag, tagPrefixRelease, tagPrefixTest)
	}
	v, err := ParseTag(tag)
	switch {
	case err != nil:
		return released, Version{}, err
	case isTest:
		return candidate, v, nil
	case rel.GetPrerelease():
		return prereleased, v, nil
	}
	return released, v, nil
}

// apiError gives an error of the GitHub client its kind, and drops the
// addresses that it carries where they add nothing.
func apiError(err error) error {
	var limit *github.RateLimitError
	if errors.As(err, &limit) {
		return limitError(limit)
	}
	var answer *github.ErrorResponse
	if errors.As(err, &answer) && answer.Response != nil {
		if limited := rateLimited(answer.Response, time.Now()); limited != nil {
			return limited
		}
		err := &statusError{status: statusText(answer.Response), code: answer.Response.StatusCode}
		if err.code == http.StatusUnauthorized {
			return fmt.Errorf("%w (is the github-token right?)", err)
		}
		return err
	}
	var abuse *github.AbuseRateLimitError
	if errors.As(err, &abuse) {
		return abuseError(abuse)
	}
	return transportError(err)
}

func limitError(limit *github.RateLimitError) error {
	if limit.Response != nil {
		if limited := rateLimited(limit.Response, time.Now()); limited != nil {
			return limited
		}
	}
	return &RateLimitedError{RetryAt: limit.Rate.Reset.Time, Status: "403 Forbidden"}
}

func abuseError(abuse *github.AbuseRateLimitError) error {
	wait := defaultRetryAfter
	if abuse.RetryAfter != nil {
		wait = *abuse.RetryAfter
	}
	return &RateLimitedError{RetryAt: time.Now().Add(wait), Status: "403 Forbidden"}
}
