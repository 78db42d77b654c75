package release

import "github.com/cybozu-go/neco"

// The prefixes of tags. A candidate that has passed its tests has a test tag; a published
// release has a release tag.
const (
	tagPrefixRelease = "release-"
	tagPrefixTest    = "test-"
)

// Channel selects the releases that an environment follows, and the tags under which the
// package of a version is looked up.
type Channel string

// The channels, which have the names of the environments that follow them.
const (
	// Prod is the channel of the newest release that is not a pre-release.
	Prod Channel = neco.ProdEnv
	// Staging is the channel of the newest version among releases and pre-releases.
	Staging Channel = neco.StagingEnv
	// Dev is the channel of the newest candidate.
	Dev Channel = neco.DevEnv
	// None is the channel without releases. A package can still be looked up by its
	// version, for example when a boot server joins.
	None Channel = neco.NoneEnv
)

// rule is what a channel selects: kinds of releases, and prefixes of tags.
type rule struct {
	// kinds are the kinds of releases among which a search chooses the newest.
	kinds []kind
	// prefixes are the prefixes of the tags under which the package of a version is
	// looked up, in this order. They include the prefixes of all kinds.
	prefixes []string
}

// rule returns what the channel selects, or the zero rule if the channel is unknown.
//
// The package of a version is never looked up under a test tag for prod and staging,
// because a candidate must not replace a withdrawn release of the same version. For dev
// and none it is looked up under both tags, because the version in use may come from
// another environment.
func (c Channel) rule() rule {
	switch c {
	case Prod:
		return rule{[]kind{released}, []string{tagPrefixRelease}}
	case Staging:
		return rule{[]kind{released, prereleased}, []string{tagPrefixRelease}}
	case Dev:
		return rule{[]kind{candidate}, []string{tagPrefixTest, tagPrefixRelease}}
	case None:
		return rule{nil, []string{tagPrefixRelease, tagPrefixTest}}
	}
	return rule{}
}
