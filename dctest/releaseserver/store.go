package releaseserver

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Release is a release to publish.
type Release struct {
	// Tag identifies the release.
	Tag string
	// Prerelease and Draft are flags of a GitHub release. A draft is visible only with a
	// token.
	Prerelease bool
	Draft      bool
	// Notes is the text of the release.
	Notes string
	// Assets maps the name of each asset to its file on disk.
	Assets map[string]string
}

// entry is a published release.
type entry struct {
	Release
	id      int64
	created time.Time
	assets  []asset // sorted by name
}

type asset struct {
	id      int64
	name    string
	path    string
	size    int64
	updated time.Time
}

// Publish adds a release, or replaces the one with the same tag, whose ID and date
// remain. The files of the assets are read on each request: they must not be removed, and
// must be replaced atomically.
func (s *Server) Publish(r Release) error {
	if r.Tag == "" || strings.ContainsAny(r.Tag, "/?#") {
		return fmt.Errorf("publish release %q: not a usable tag", r.Tag)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	assets, err := s.open(r.Assets, now)
	if err != nil {
		return fmt.Errorf("publish release %s: %w", r.Tag, err)
	}
	e := &entry{Release: r, assets: assets, created: now, id: s.lastID + 1}
	if i := s.index(r.Tag); i >= 0 {
		e.id, e.created = s.entries[i].id, s.entries[i].created
		s.entries[i] = e
		return nil
	}
	s.lastID = e.id
	s.entries = slices.Insert(s.entries, 0, e)
	return nil
}

// Remove removes a release. It reports whether the release existed.
func (s *Server) Remove(tag string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(tag)
	if i < 0 {
		return false
	}
	s.entries = slices.Delete(s.entries, i, i+1)
	return true
}

// open checks the files of a release's assets and assigns IDs to the assets.
func (s *Server) open(files map[string]string, now time.Time) ([]asset, error) {
	assets := make([]asset, 0, len(files))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("asset %q: not a usable name", name)
		}
		info, err := os.Stat(files[name])
		if err != nil {
			return nil, fmt.Errorf("asset %s: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("asset %s: %s is not a regular file", name, files[name])
		}
		s.lastAsset++
		assets = append(assets, asset{id: s.lastAsset, name: name, path: files[name], size: info.Size(), updated: now})
	}
	return assets, nil
}

// index returns the position of the release with this tag, or -1 if there is none. The
// caller must hold the lock.
func (s *Server) index(tag string) int {
	return slices.IndexFunc(s.entries, func(e *entry) bool { return e.Tag == tag })
}

// visible returns the releases, the newest first. It omits drafts unless drafts is true.
func (s *Server) visible(drafts bool) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := slices.DeleteFunc(slices.Clone(s.entries), func(e *entry) bool { return e.Draft && !drafts })
	slices.SortStableFunc(shown, func(a, b *entry) int {
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.id, a.id))
	})
	return shown
}

// find returns the first visible release for which match returns true, or nil.
func (s *Server) find(drafts bool, match func(*entry) bool) *entry {
	shown := s.visible(drafts)
	if i := slices.IndexFunc(shown, match); i >= 0 {
		return shown[i]
	}
	return nil
}
