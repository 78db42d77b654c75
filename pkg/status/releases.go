package status

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	releases "github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// warnings returns lines about releases that are not installed although operators might
// expect them to be installed.
func (r Release) warnings() []string {
	var lines []string
	if r.Closed {
		lines = append(lines, "no release is taken now: it is not the time of config release-time")
	}
	switch {
	case r.Withdrawn == "" || newer(r.Newest, r.Withdrawn):
	case r.Withdrawn == r.Newest:
		lines = append(lines, fmt.Sprintf("the release server does not offer %s in env %s; it stays known because it is in use", r.Withdrawn, r.Env))
	default:
		lines = append(lines, fmt.Sprintf("the release server does not offer %s in env %s any more; it was forgotten", r.Withdrawn, r.Env))
	}
	for _, tag := range r.Skipped {
		lines = append(lines, fmt.Sprintf("%s is skipped: its date is later than tomorrow", tag))
	}
	return lines
}

// badReleases returns the releases that are marked as bad, sorted by version.
func badReleases(s *storage.Snapshot) []BadRelease {
	var all []BadRelease
	for _, version := range slices.Sorted(maps.Keys(s.Bad)) {
		b := s.Bad[version]
		all = append(all, BadRelease{Version: clean(version), Reason: clean(b.Reason), Step: b.Step, LRN: b.LRN, At: b.At})
	}
	return all
}

// badReleaseWarnings returns a line with the bad releases and with the commands that
// show the reasons and retry a release. It returns nil if no release is bad.
func (v View) badReleaseWarnings() []string {
	var versions []string
	for _, b := range v.BadReleases {
		if v.State != Complete || !newer(v.Version, b.Version) { // an older one is not installed anyway
			versions = append(versions, b.Version)
		}
	}
	again := "VERSION tries one"
	switch len(versions) {
	case 0:
		return nil
	case 1:
		again = versions[0] + " tries it"
	}
	return []string{fmt.Sprintf("not installed again for a fault of the release: %s; neco history shows why, neco recover --retry %s again",
		strings.Join(versions, ", "), again)}
}

// newer reports whether version is newer than the version in than. It returns false if
// one of them is malformed.
func newer(version, than string) bool {
	a, err := releases.Parse(version)
	if err != nil {
		return false
	}
	b, err := releases.Parse(than)
	return err == nil && a.Compare(b) > 0
}

// failure returns a text about the search for releases, which has been failing since
// StaleSince.
func (r Release) failure() string {
	return fmt.Sprintf("every search has failed since %s: %s", stamp(r.StaleSince), shorten(r.Error))
}
