package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v45/github"
)

const (
	pageSize = 100 // GitHub's maximum
	// maxPages bounds a walk; GitHub itself shows no more than 10,000 results.
	maxPages = 100
	// requestTimeout bounds one request to the API, which answers in seconds.
	requestTimeout = time.Minute
)

// Finder looks for releases in one repository. It is safe for concurrent use.
type Finder struct {
	client *github.Client
	owner  string
	repo   string
	log    *slog.Logger
	// limit is the last refusal for too many requests, which holds until its
	// time has come.
	limit atomic.Pointer[RateLimitedError]
}

// NewFinder returns a Finder for the repository owner/repo. The client's
// transport must be a Transport, or bring every answer as that does.
func NewFinder(client *github.Client, owner, repo string, log *slog.Logger) *Finder {
	return &Finder{client: client, owner: owner, repo: repo, log: log}
}

// Newest returns the newest version that the channel follows. Drafts never
// count, and a release whose tag is no version is named in the log and
// skipped.
//
// It blocks until all releases have been read; each request has a deadline of
// its own. It fails with ErrNoRelease only if the server answered completely
// and nothing counts, and with a *RateLimitedError if the server says when to
// ask again.
func (f *Finder) Newest(ctx context.Context, channel Channel) (Version, error) {
	newest, found, err := f.newest(ctx, channel)
	if err == nil && !found {
		err = ErrNoRelease
	}
	if err != nil {
		return Version{}, fmt.Errorf("find %s release of %s/%s: %w", channel, f.owner, f.repo, err)
	}
	return newest, nil
}

func (f *Finder) newest(ctx context.Context, channel Channel) (newest Version, found bool, err error) {
	if len(channel.rule().kinds) == 0 {
		return Version{}, false, fmt.Errorf("unknown channel %q", string(channel))
	}
	err = f.walk(ctx, func(rel *github.RepositoryRelease) {
		v, ok := f.candidate(rel, channel)
		if ok && (!found || v.Compare(newest) > 0) {
			newest, found = v, true
		}
	})
	return newest, found, err
}

// candidate returns the version of a release if the channel follows it.
func (f *Finder) candidate(rel *github.RepositoryRelease, channel Channel) (Version, bool) {
	if rel.GetDraft() {
		return Version{}, false
	}
	kind, v, err := classify(rel)
	if err != nil {
		f.log.Warn("release skipped", "tag", rel.GetTagName(), "err", err)
		return Version{}, false
	}
	if v.String() == TestVersion {
		f.log.Warn("release skipped", "tag", rel.GetTagName(), "err", "the version is reserved for the environment test")
		return Version{}, false
	}
	return v, slices.Contains(channel.rule().kinds, kind)
}

// walk calls visit for every release on every page.
func (f *Finder) walk(ctx context.Context, visit func(*github.RepositoryRelease)) error {
	for page := 1; page <= maxPages; {
		releases, next, err := f.page(ctx, page)
		if err != nil {
			return err
		}
		for _, rel := range releases {
			visit(rel)
		}
		if next == 0 {
			return nil
		}
		if next <= page {
			return fmt.Errorf("list releases: page %d is followed by page %d", page, next)
		}
		page = next
	}
	return fmt.Errorf("list releases: %w: more than %d pages", ErrTooLarge, maxPages)
}

// page returns one page of releases and the next page's number, 0 at the end.
func (f *Finder) page(ctx context.Context, page int) ([]*github.RepositoryRelease, int, error) {
	opts := &github.ListOptions{Page: page, PerPage: pageSize}
	var releases []*github.RepositoryRelease
	var resp *github.Response
	err := f.call(ctx, func(ctx context.Context) (err error) {
		releases, resp, err = f.client.Repositories.ListReleases(ctx, f.owner, f.repo, opts)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list releases (page %d): %w", page, err)
	}
	if releases == nil { // an empty answer, or null: "[]" is not nil
		return nil, 0, fmt.Errorf("list releases (page %d): %w: the answer is empty", page, ErrTruncated)
	}
	return releases, resp.NextPage, nil
}

// call makes one request to the API, within its deadline, and classifies its
// error. After a refusal for too many requests no request is made before the
// time that the server has set.
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
