package release

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/go-github/v45/github"
)

// search finds the newest release that its channel follows, among the releases that are
// passed to visit.
type search struct {
	channel Channel
	skip    func(Version) bool
	log     *slog.Logger
	found   Found
}

// visit compares the release with the newest one so far; at is the server's time.
func (s *search) visit(rel *github.RepositoryRelease, at time.Time) {
	if rel.GetDraft() {
		return
	}
	kind, v, err := classify(rel)
	if err != nil {
		s.log.Warn("release skipped", "tag", rel.GetTagName(), "err", err)
		return
	}
	if !slices.Contains(s.channel.rule().kinds, kind) || s.skip != nil && s.skip(v) {
		return
	}
	if tomorrow := at.UTC().AddDate(0, 0, 1); v.Date > dateOf(tomorrow) {
		s.log.Warn("release skipped", "tag", rel.GetTagName(),
			"err", fmt.Sprintf("its date is later than tomorrow, %s", tomorrow.Format(dateLayout)))
		s.found.Future = append(s.found.Future, rel.GetTagName())
		return
	}
	if v.Compare(s.found.Newest) > 0 {
		s.found.Newest = v
	}
}
