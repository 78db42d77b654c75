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
	// maxPages bounds a search; GitHub returns at most 10,000 results.
	maxPages = 100
	// requestTimeout bounds one request to the API, which normally takes seconds.
	requestTimeout = time.Minute
)

// Finder searches for releases in one repository. It is safe for concurrent use.
type Finder struct {
	client *github.Client
	owner  string
	repo   string
	log    *slog.Logger
	// limit is the last rate limit error. No request is made before its RetryAt.
	limit atomic.Pointer[RateLimitedError]
}

// NewFinder returns a Finder for the repository owner/repo. The transport of client
// must be a Transport, or set the same header fields.
func NewFinder(client *github.Client, owner, repo string, log *slog.Logger) *Finder {
	return &Finder{client: client, owner: owner, repo: repo, log: log}
}

// Found is the outcome of a search.
type Found struct {
	// Newest is the newest version that the channel follows.
	Newest Version
	// Future are the tags that were skipped because their date is later than tomorrow,
	// by the server's clock.
	Future []string
}

// Newest returns the newest version that the channel follows. Drafts never count. A
// release whose tag is not a version, or whose date is later than tomorrow, is logged
// and skipped: it would hide every later release. Versions for which skip returns true
// do not count either; nil skips none.
//
// It blocks until all releases have been read; each request has a deadline of its own.
// It fails with ErrNoRelease only if the server answered completely and no release
// counts, and with a *RateLimitedError if the server limits the request rate.
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

// walk calls visit for every release on every page, with the server's time.
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

// page returns one page of releases.
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

// call makes one request to the API, within its deadline, and classifies its error.
// While a rate limit applies, it makes no request and returns the limit's error.
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
