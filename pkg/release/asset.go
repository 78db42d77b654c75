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

// sumSuffix is appended to the name of a file to get the name of its digest file.
const sumSuffix = ".sha256"

// Asset describes the files of one release on its server: the neco package and its
// digest.
type Asset struct {
	// Version is the version of the release and of the package.
	Version Version
	// Name is the file name of the package.
	Name string
	// URL and SumURL are the download URLs of the package and of its digest.
	URL, SumURL string
	// Size is the size of the package in bytes as the server states it; 0 if unknown.
	Size int64
	// ReleaseURL is the web page of the release.
	ReleaseURL string
}

// PackageFile returns the file name of the neco package of version v.
func PackageFile(v Version) string {
	return fmt.Sprintf("%s_%s_%s.deb", neco.NecoPackageName, v, Architecture)
}

// FindAsset finds the package of version v in the release under the first existing tag of
// the channel. It fails if that release lacks the package or its digest; the error names
// the missing file and the release.
//
// It sends at most one request for each tag, each with its own deadline.
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

// release returns the release of version v under the first tag of the channel that
// exists.
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

// pick returns the asset that is called name in the release rel. It fails if the
// release has no such asset or the asset was not uploaded completely.
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
