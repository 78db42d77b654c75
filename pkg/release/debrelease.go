package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-github/v45/github"

	"github.com/cybozu-go/neco"
)

// ReleaseOf returns the tag of the release that contains the Debian version, without the
// leading v of the tag: the version without its Debian revision.
func ReleaseOf(version string) string {
	if i := strings.LastIndexByte(version, '-'); i >= 0 {
		return version[:i]
	}
	return version
}

// IsRelease reports whether version is a version of the package d as released.
func IsRelease(d neco.DebianPackage, version string) bool {
	want := strings.TrimPrefix(d.Release, "v")
	return version != "" && (version == want || ReleaseOf(version) == want)
}

// FetchDeb downloads the package d of another project to the directory dir, checks it and
// returns its path. Its name, version and architecture must be those of d, its size the
// one that the server states, and its SHA-256 digest, unless digest is empty. The finder
// must search the repository of d; client downloads the file and must not send a token.
//
// It blocks until the package is stored and checked, or ctx ends. It removes a package
// that fails a check. Permanent reports whether a retry after an error can succeed.
func FetchDeb(ctx context.Context, f *Finder, client *http.Client, d neco.DebianPackage, digest, dir string) (string, error) {
	path, err := fetchRelease(ctx, f, client, d, digest, dir)
	if err != nil {
		return "", fmt.Errorf("fetch package %s %s: %w", d.Name, d.Release, err)
	}
	return path, nil
}

func fetchRelease(ctx context.Context, f *Finder, client *http.Client, d neco.DebianPackage, digest, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", diskError(err)
	}
	if err := removePartials(dir); err != nil {
		return "", err
	}
	rel, err := f.byTag(ctx, d.Release)
	if err != nil {
		return "", fmt.Errorf("find release of %s/%s: %w", f.owner, f.repo, err)
	}
	asset, err := pickDeb(rel, d.Name)
	if err != nil {
		return "", err
	}
	limits := Limits{}.withDefaults()
	size := int64(asset.GetSize())
	if size > limits.MaxBytes {
		return "", fmt.Errorf("asset %s: %w: %w: %d bytes, at most %d are allowed", asset.GetName(), ErrWrongPackage, ErrTooLarge, size, limits.MaxBytes)
	}
	if size > 0 {
		limits.MaxBytes = size
	}
	limits.SHA256 = digest
	path := filepath.Join(dir, asset.GetName())
	got, err := fetchTo(ctx, client, asset.GetBrowserDownloadURL(), path, limits)
	if err != nil {
		return "", fmt.Errorf("%s: %w", displayURL(asset.GetBrowserDownloadURL()), err)
	}
	if size > 0 && got.Size != size {
		err = fmt.Errorf("%s: %w: it has %d bytes, and the release states %d", path, ErrTruncated, got.Size, size)
	} else {
		err = verifyRelease(path, d)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// verifyRelease checks the identity of the package file path.
func verifyRelease(path string, d neco.DebianPackage) error {
	got, err := InspectDeb(path)
	if err != nil {
		return asPublished(err)
	}
	if !IsRelease(d, got.Version) {
		return fmt.Errorf("verify package %s: %w: version is %q, want that of release %s", path, ErrWrongPackage, got.Version, d.Release)
	}
	arch := Architecture
	if got.Architecture == anyArchitecture {
		arch = anyArchitecture
	}
	return VerifyDeb(path, d.Name, got.Version, arch)
}

// anyArchitecture is the architecture of a package for all architectures.
const anyArchitecture = "all"

// pickDeb returns the package called name for this architecture in the release rel. It
// fails unless the release contains exactly one.
func pickDeb(rel *github.RepositoryRelease, name string) (*github.ReleaseAsset, error) {
	var found []string
	for _, asset := range rel.Assets {
		file := asset.GetName()
		rest, ours := strings.CutPrefix(file, name+"_")
		if ours && file == filepath.Base(file) && (strings.HasSuffix(rest, "_"+Architecture+".deb") || strings.HasSuffix(rest, "_"+anyArchitecture+".deb")) {
			found = append(found, file)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("release %s: want one asset %s_*_%s.deb, have %d %v",
			displayURL(rel.GetHTMLURL()), name, Architecture, len(found), found)
	}
	return pick(rel, found[0])
}
