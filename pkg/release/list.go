package release

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-github/v45/github"
)

// Published is a published release of any project.
type Published struct {
	// Tag is the tag of the release.
	Tag string
	// Prerelease reports whether the project has marked the release as a pre-release.
	Prerelease bool
}

// List returns the releases of the repository without drafts, in the order of the server: at
// GitHub, the release that was created last is the first. It makes no demands on the tags.
//
// It blocks until all releases have been read; each request has its own deadline. It fails
// with a *RateLimitedError if the server limits the request rate.
func (f *Finder) List(ctx context.Context) ([]Published, error) {
	var all []Published
	err := f.walk(ctx, func(rel *github.RepositoryRelease, _ time.Time) {
		if !rel.GetDraft() {
			all = append(all, Published{Tag: rel.GetTagName(), Prerelease: rel.GetPrerelease()})
		}
	})
	if err != nil {
		return nil, fmt.Errorf("releases of %s/%s: %w", f.owner, f.repo, err)
	}
	return all, nil
}
