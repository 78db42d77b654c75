package updater

import (
	"cmp"
	"slices"

	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// known decides which version is the newest known one after a search that has
// found a version; empty: no release counts.  It is pure.
//
// A known version that is newer than the one found was withdrawn from the
// server, or does not count in the environment any more.  It is forgotten
// unless it is in use, and in its place no version comes that is older than one
// in use: an older version is never installed.  The same holds for a version that
// is marked as bad, which no search finds.
//
// withdrawn names the withdrawn version, until a search finds it or a newer one.
func known(s *storage.Snapshot, found string) (version, withdrawn string) {
	if s.Check != nil && isNewer(s.Check.Withdrawn, found) {
		withdrawn = s.Check.Withdrawn
	}
	if !isNewer(s.Release, found) {
		return cmp.Or(found, s.Release), withdrawn
	}
	version = found
	for _, v := range inUse(s) {
		if isNewer(v, version) {
			version = v
		}
	}
	if isNewer(version, s.Release) {
		version = s.Release
	}
	if _, bad := s.Bad[s.Release]; bad {
		return version, withdrawn
	}
	return version, s.Release
}

// inUse lists the versions that boot servers run, or are on the way to.
func inUse(s *storage.Snapshot) []string {
	var versions []string
	if s.Request != nil && !s.Request.Stop {
		versions = append(versions, s.Request.Version)
	}
	for lrn, p := range s.Presence {
		if slices.Contains(s.Registered, lrn) {
			versions = append(versions, p.Version)
		}
	}
	for lrn, st := range s.Statuses {
		if slices.Contains(s.Registered, lrn) && st.Step > 0 {
			versions = append(versions, st.Version)
		}
	}
	return versions
}

// isNewer reports whether version is newer than other.  What is no version is
// older than every version.
func isNewer(version, other string) bool {
	v, err := release.Parse(version)
	if err != nil {
		return false
	}
	o, err := release.Parse(other)
	return err != nil || v.Compare(o) > 0
}
