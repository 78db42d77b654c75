package release

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/go-github/v45/github"

	"github.com/cybozu-go/neco"
)

// Architecture is Debian's name of the architecture that boot servers have.
const Architecture = "amd64"

// sumSuffix is what follows a file's name in that of its digest.
const sumSuffix = ".sha256"

// Asset is the neco package of one release, and the digest beside it.
type Asset struct {
	// Version is the release's and the package's.
	Version Version
	// Name is the package's file name.
	Name string
	// URL and SumURL are where package and digest are downloaded from.
	URL, SumURL string
	// Size is the package's announced size in bytes, 0 if it is not known.
	Size int64
	// ReleaseURL is the release's page, for people.
	ReleaseURL string
}

// PackageFile returns the file name of the neco package of a version.
func PackageFile(v Version) string {
	return fmt.Sprintf("%s_%s_%s.deb", neco.NecoPackageName, v, Architecture)
}

// FindAsset looks up the package of a version under the tags of the channel. A
// release without the package, or without its digest beside it, is refused. The
// error names what is missing and where.
//
// It blocks for one request a tag; each has a deadline of its own.
func (f *Finder) FindAsset(ctx context.Context, channel Channel, v Version) (Asset, error) {
	rel, err := f.release(ctx, channel, v)
	if err != nil {
		return Asset{}, err
	}
	found := Asset{Version: v, Name: PackageFile(v), ReleaseURL: displayURL(rel.GetHTMLURL())}
	deb, err := pick(rel, found.Name)
	if err != nil {
		return Asset{}, err
	}
	sum, err := pick(rel, found.Name+sumSuffix)
	if err != nil {
		return Asset{}, err
	}
	found.URL, found.SumURL = deb.GetBrowserDownloadURL(), sum.GetBrowserDownloadURL()
	found.Size = int64(max(deb.GetSize(), 0))
	return found, nil
}

// release returns the release of a version under the first of the channel's
// tags that exists.
func (f *Finder) release(ctx context.Context, channel Channel, v Version) (*github.RepositoryRelease, error) {
	prefixes := channel.rule().prefixes
	if len(prefixes) == 0 {
		return nil, fmt.Errorf("find release %s of %s/%s: unknown channel %q", v, f.owner, f.repo, string(channel))
	}
	var missing error
	for _, prefix := range prefixes {
		tag := prefix + v.String()
		rel, err := f.byTag(ctx, tag)
		if err == nil {
			return rel, nil
		}
		err = fmt.Errorf("find release %s of %s/%s: %w", tag, f.owner, f.repo, err)
		if !isNotFound(err) {
			return nil, err
		}
		missing = cmp.Or(missing, err)
	}
	return nil, missing
}

func (f *Finder) byTag(ctx context.Context, tag string) (*github.RepositoryRelease, error) {
	var rel *github.RepositoryRelease
	err := f.call(ctx, func(ctx context.Context) (err error) {
		rel, _, err = f.client.Repositories.GetReleaseByTag(ctx, f.owner, f.repo, tag)
		return err
	})
	if err != nil {
		return nil, err
	}
	if rel.GetTagName() != tag {
		return nil, fmt.Errorf("server answered with release %q", rel.GetTagName())
	}
	if rel.GetDraft() {
		return nil, fmt.Errorf("%w: it is a draft", ErrNoRelease)
	}
	return rel, nil
}

// pick returns the asset of a name, once it is uploaded completely.
func pick(rel *github.RepositoryRelease, name string) (*github.ReleaseAsset, error) {
	for _, asset := range rel.Assets {
		if asset.GetName() != name {
			continue
		}
		if state := asset.GetState(); state != "" && state != "uploaded" {
			return nil, fmt.Errorf("release %s: asset %s is %s", displayURL(rel.GetHTMLURL()), name, state)
		}
		return asset, nil
	}
	return nil, fmt.Errorf("release %s: no asset %s", displayURL(rel.GetHTMLURL()), name)
}
