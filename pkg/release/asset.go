package release

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/go-github/v45/github"

	"github.com/cybozu-go/neco"
)

// Architecture is Debian's name of the architecture of boot servers.
const Architecture = "amd64"

// sumSuffix is the suffix of the name of a file's digest file.
const sumSuffix = ".sha256"

// Asset is the neco package of one release with its digest.
type Asset struct {
	// Version is the version of the release and of the package.
	Version Version
	// Name is the file name of the package.
	Name string
	// URL and SumURL are the download URLs of package and digest.
	URL, SumURL string
	// Size is the announced size of the package in bytes, 0 if unknown.
	Size int64
	// ReleaseURL is the page of the release, for people.
	ReleaseURL string
}

// PackageFile returns the file name of the neco package of a version.
func PackageFile(v Version) string {
	return fmt.Sprintf("%s_%s_%s.deb", neco.NecoPackageName, v, Architecture)
}

// FindAsset looks up the package of a version under the tags of the channel. It fails
// if the release lacks the package or its digest; the error has the name of the missing
// file and the release.
//
// It blocks for one request for each tag; each request has a deadline of its own.
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

// release returns the release of a version under the first existing tag of the channel.
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

// pick returns the asset called name. It fails if the asset is not uploaded completely.
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
