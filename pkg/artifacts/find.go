package artifacts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/release"
)

const (
	// parallel is how many repositories are read at the same time.
	parallel = 4
	// imageTimeout is how long the requests about one image may take before they fail. They
	// normally take seconds.
	imageTimeout = 5 * time.Minute
)

// Finder finds versions and digests of artifacts at their projects' servers: container
// registries, GitHub, and the download host of the operating system.
type Finder struct {
	// Transport carries all requests. It must not be nil.
	Transport http.RoundTripper
	// GitHubToken, if not empty, is sent to GitHub's API, which allows more requests then.
	GitHubToken string
	// Account is the account for registries; see [neco.NewImageFetcher]. Without it, the
	// digests of private images are not computed.
	Account authn.Authenticator
	// Release leaves out pre-releases, and the versions of images and packages with another
	// major version than that of the current set.
	Release bool
	// Ignored are versions that do not count.
	Ignored Ignored
	// Log receives a line for each artifact or version that is left out.
	Log *slog.Logger
}

// Newest returns the artifact set current with the newest version of each artifact that
// counts. The artifacts and their order are those of current.
//
//   - An image gets the highest tag that is a version of three or more numbers, unless it is
//     held: then it keeps its tag, and Log receives the newest.
//   - A Debian package gets the release that its project has created last.
//   - The operating system gets the highest version in the feed of its channel.
//
// It blocks until all servers have answered or ctx ends; each request has its own deadline.
// If it fails, the error contains the errors of all artifacts in their order. They are
// ErrNone, ErrBackwards, the kinds of failures in package release, or those of the network.
func (f Finder) Newest(ctx context.Context, current neco.ArtifactSet) (neco.ArtifactSet, error) {
	set := neco.ArtifactSet{Images: slices.Clone(current.Images), Debs: slices.Clone(current.Debs), OSImage: current.OSImage}
	var lookups []func() error
	for i := range set.Images {
		lookups = append(lookups, func() error { return f.image(ctx, &set.Images[i]) })
	}
	for i := range set.Debs {
		lookups = append(lookups, func() error { return f.deb(ctx, &set.Debs[i]) })
	}
	lookups = append(lookups, func() error { return f.osImage(ctx, &set.OSImage) })
	if err := all(lookups); err != nil {
		return neco.ArtifactSet{}, err
	}
	return set, nil
}

// all calls all functions, a few at a time, and returns their errors in the order of the
// functions.
func all(functions []func() error) error {
	errs := make([]error, len(functions))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, f := range functions {
		g.Go(func() error {
			if err := f(); err != nil {
				errs[i] = lineError{err}
			}
			return nil
		})
	}
	return errors.Join(g.Wait(), errors.Join(errs...))
}

// lineError is an error whose text is one line. The text of a registry's answer may be a page.
type lineError struct{ error }

// Error returns the text as one printable line.
func (e lineError) Error() string { return printable.Line(e.error.Error()) }

// Unwrap returns the error.
func (e lineError) Unwrap() error { return e.error }

// image gives img the newest tag that counts, unless img is held.
func (f Finder) image(ctx context.Context, img *neco.ContainerImage) error {
	tags, err := f.tags(ctx, img.Repository)
	if err != nil {
		return fmt.Errorf("list the tags of %s: %w", img.Repository, err)
	}
	c := choice{current: img.Tag, ignored: f.Ignored.image(img.Repository), stable: f.Release, sameMajor: f.Release}
	newest, err := c.newest(tags)
	if err != nil {
		return fmt.Errorf("choose a tag of %s: %w", img.Repository, err)
	}
	if f.Ignored.held(img.Repository) {
		if newest != img.Tag {
			f.Log.Warn("an image is held at its tag", "image", img.Repository, "tag", img.Tag, "newest", newest)
		}
		return nil
	}
	img.Tag = newest
	return nil
}

// tags returns all tags of a repository.
func (f Finder) tags(ctx context.Context, repository string) ([]string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, imageTimeout)
	defer cancel()
	tags, err := remote.List(repo, remote.WithContext(ctx), remote.WithUserAgent(neco.NecoUserAgent),
		remote.WithTransport(release.NewTransport(f.Transport))) // it limits the size of an answer
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the answer is not a list of tags: %w", err)
	}
	return tags, err
}

// deb gives d the newest release that counts.
func (f Finder) deb(ctx context.Context, d *neco.DebianPackage) error {
	finder, _ := f.repository(*d)
	published, err := finder.List(ctx)
	if err != nil {
		return err
	}
	var tags []string
	for _, p := range published {
		if !p.Prerelease || !f.Release {
			tags = append(tags, p.Tag)
		}
	}
	c := choice{current: d.Release, ignored: f.Ignored.deb(d.Name), stable: f.Release, sameMajor: f.Release}
	if d.Release, err = c.first(tags); err != nil {
		return fmt.Errorf("choose a release of %s/%s: %w", d.Owner, d.Repository, err)
	}
	return nil
}

// repository returns a finder for the releases of d, and a client for their files.
func (f Finder) repository(d neco.DebianPackage) (*release.Finder, *http.Client) {
	return release.OpenRepository(f.Transport, f.GitHubToken, d.Owner, d.Repository, f.Log)
}
