package status

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cybozu-go/neco/pkg/storage"
)

// warnings name the releases that do not count although they might be expected
// to.
func (r Release) warnings() []string {
	var lines []string
	if r.Closed {
		lines = append(lines, "no release is taken now: it is not the time of config release-time")
	}
	switch {
	case r.Withdrawn == "":
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

// badReleases lists the releases that are marked as bad, by version.
func badReleases(s *storage.Snapshot) []BadRelease {
	var all []BadRelease
	for _, version := range slices.Sorted(maps.Keys(s.Bad)) {
		b := s.Bad[version]
		all = append(all, BadRelease{Version: clean(version), Reason: clean(b.Reason), Step: b.Step, LRN: b.LRN, At: b.At})
	}
	return all
}

// badReleaseWarnings name each bad release, why it failed, and what tries it
// again.
func (v View) badReleaseWarnings() []string {
	var lines []string
	for _, b := range v.BadReleases {
		lines = append(lines,
			fmt.Sprintf("%s is not installed again, because it failed by its own fault: %s", b.Version, b.Reason),
			"to try it again: neco recover --retry "+b.Version)
	}
	return lines
}
