package release

import (
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

// FindAsset looks up the package of a version. It is in the release tagged
// release-<version>, and its digest must stand beside it: a release without
// one of the two is refused. The error names what is missing and where.
//
// It blocks for one request, with a deadline of its own.
func (f *Finder) FindAsset(ctx context.Context, v Version) (Asset, error) {
	tag := tagPrefixRelease + v.String()
	rel, err := f.byTag(ctx, tag)
	if err != nil {
		return Asset{}, fmt.Errorf("find release %s of %s/%s: %w", tag, f.owner, f.repo, err)
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

func (f *Finder) byTag(ctx context.Context, tag string) (*github.RepositoryRelease, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	rel, _, err := f.client.Repositories.GetReleaseByTag(ctx, f.owner, f.repo, tag)
	if err != nil {
		return nil, apiError(err)
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
