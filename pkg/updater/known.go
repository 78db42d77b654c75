package updater

import (
	"cmp"
	"slices"

	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// known returns the newest known version after a search that found the version found;
// "" means no version, for both. s is the state before the search.
//
// A known version newer than found was withdrawn, is marked as bad, or no longer counts
// in this environment. known then returns found, or a newer version that is in use,
// because a version older than one in use is never installed.
//
// withdrawn is the version that was withdrawn. It is kept until a search finds that
// version or a newer one.
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

// inUse returns the versions that boot servers run or are being updated to.
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

// isNewer reports whether version is newer than other. A malformed version counts as
// older than every well-formed one.
func isNewer(version, other string) bool {
	v, err := release.Parse(version)
	if err != nil {
		return false
	}
	o, err := release.Parse(other)
	return err != nil || v.Compare(o) > 0
}
