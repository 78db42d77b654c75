package release

import (
	"fmt"
	"strings"

	"github.com/google/go-github/v45/github"
)

// kind is the kind of a published release.
type kind int

const (
	released kind = iota
	prereleased
	// candidate is the kind of a release with a test tag, whether or not it is marked
	// as a pre-release.
	candidate
)

// classify returns the kind and the version of the release rel.
func classify(rel *github.RepositoryRelease) (kind, Version, error) {
	tag := rel.GetTagName()
	isTest := strings.HasPrefix(tag, tagPrefixTest)
	if !isTest && !strings.HasPrefix(tag, tagPrefixRelease) {
		return released, Version{}, fmt.Errorf("tag %q: neither %s nor %s", tag, tagPrefixRelease, tagPrefixTest)
	}
	v, err := ParseTag(tag)
	switch {
	case err != nil:
		return released, Version{}, err
	case isTest:
		return candidate, v, nil
	case rel.GetPrerelease():
		return prereleased, v, nil
	}
	return released, v, nil
}
