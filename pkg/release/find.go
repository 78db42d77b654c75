package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v45/github"
)

const (
	pageSize = 100 // GitHub's maximum
	// maxPages is the maximum number of pages that a search reads; more pages are an
	// error. GitHub lists at most 10,000 releases.
	maxPages = 100
	// requestTimeout is how long one request to the API may take before it fails. It
	// normally takes seconds.
	requestTimeout = time.Minute
)

// Finder searches for releases in one repository. It is safe for concurrent use.
type Finder struct {
	client *github.Client
	owner  string
	repo   string
	log    *slog.Logger
	// limit is the last rate limit error. Until its RetryAt, no request is sent.
	limit atomic.Pointer[RateLimitedError]
}

// NewFinder returns a Finder for the GitHub repository owner/repo. The client's transport
// must be a [Transport], or mark responses as it does.
func NewFinder(client *github.Client, owner, repo string, log *slog.Logger) *Finder {
	return &Finder{client: client, owner: owner, repo: repo, log: log}
}

// Found is the result of a search.
type Found struct {
	// Newest is the newest version that the channel follows; the zero Version if there is
	// none.
	Newest Version
	// Future are the tags of releases that were skipped because their date is later than
	// tomorrow, by the server's clock.
	Future []string
}

// Newest returns the newest version that the channel follows. Drafts and versions for
// which skip returns true do not count; skip may be nil. A release is logged and
// skipped if its tag is not a version, or if its date is later than tomorrow, because
// it would hide every later release.
//
// Newest blocks until all releases have been read; each request has its own deadline.
// It fails with ErrNoRelease only if all releases were read and none counts, and with a
// *RateLimitedError if the server limits the request rate.
func (f *Finder) Newest(ctx context.Context, channel Channel, skip func(Version) bool) (Found, error) {
	s := search{channel: channel, skip: skip, log: f.log}
	err := error(nil)
	if len(channel.rule().kinds) == 0 {
		err = fmt.Errorf("unknown channel %q", string(channel))
	}
	if err == nil {
		err = f.walk(ctx, s.visit)
	}
	if err == nil && s.found.Newest == (Version{}) {
		err = ErrNoRelease
	}
	if err != nil {
		return s.found, fmt.Errorf("find %s release of %s/%s: %w", channel, f.owner, f.repo, err)
	}
	return s.found, nil
}

// walk calls visit for each release in the repository, with the server's time.
func (f *Finder) walk(ctx context.Context, visit func(*github.RepositoryRelease, time.Time)) error {
	for page := 1; page <= maxPages; {
		releases, resp, err := f.page(ctx, page)
		if err != nil {
			return err
		}
		at := serverTime(resp.Header, time.Now())
		for _, rel := range releases {
			visit(rel, at)
		}
		if resp.NextPage == 0 {
			return nil
		}
		if resp.NextPage <= page {
			return fmt.Errorf("list releases: page %d is followed by page %d", page, resp.NextPage)
		}
		page = resp.NextPage
	}
	return fmt.Errorf("list releases: %w: more than %d pages", ErrTooLarge, maxPages)
}

// page returns one page of the list of releases.
func (f *Finder) page(ctx context.Context, page int) (releases []*github.RepositoryRelease, resp *github.Response, err error) {
	opts := &github.ListOptions{Page: page, PerPage: pageSize}
	err = f.call(ctx, func(ctx context.Context) (err error) {
		releases, resp, err = f.client.Repositories.ListReleases(ctx, f.owner, f.repo, opts)
		return err
	})
	if err == nil && releases == nil { // an empty answer, or null: "[]" is not nil
		err = fmt.Errorf("%w: the answer is empty", ErrTruncated)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list releases (page %d): %w", page, err)
	}
	return releases, resp, nil
}

// call sends one request to the API, within requestTimeout, and converts its error by
// apiError. While a rate limit applies, it sends no request and returns the error of
// that limit.
func (f *Finder) call(ctx context.Context, request func(context.Context) error) error {
	if limited := f.limit.Load(); limited != nil && time.Now().Before(limited.RetryAt) {
		return limited
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err := request(ctx)
	if err == nil {
		return nil
	}
	err = apiError(err)
	var limited *RateLimitedError
	if errors.As(err, &limited) {
		f.limit.Store(limited)
	}
	return err
}
