package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco"
)

// Package is a package on disk that has passed every check.
type Package struct {
	// Version is the version of the package.
	Version Version
	// Path is the path of the file, whose name is that of PackageFile.
	Path string
	// SHA256 is the digest of the file in lower-case hex.
	SHA256 string
}

// Stager stores packages of releases and their digests in a directory.
type Stager struct {
	// Finder finds the releases of the repository.
	Finder *Finder
	// Channel selects the tags under which a version is looked up.
	Channel Channel
	// Client downloads. It must send no token, because assets are on other hosts.
	Client *http.Client
	// Dir is the directory of the packages. Stage creates it if needed.
	Dir string
	// Limits are the limits of one download.
	Limits Limits
}

// Stage stores the package of a version in the directory and checks it: its digest must
// be the published one, and its content the neco package of this version for the
// architecture of boot servers. An existing file that passes these checks is not
// downloaded again.
//
// It blocks until the package is stored and checked, or ctx ends. It removes files that
// fail a check, and the packages of other versions except the newest two. It must not
// run concurrently for one directory. See Permanent for the errors that a retry cannot
// repair.
func (s Stager) Stage(ctx context.Context, v Version) (Package, error) {
	got, err := s.stage(ctx, v)
	if err != nil {
		return Package{}, fmt.Errorf("stage package %s: %w", v, err)
	}
	return got, nil
}

func (s Stager) stage(ctx context.Context, v Version) (Package, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return Package{}, diskError(err)
	}
	if err := tidy(s.Dir, v); err != nil {
		return Package{}, err
	}
	found, err := s.Finder.FindAsset(ctx, s.Channel, v)
	if err != nil {
		return Package{}, err
	}
	path := filepath.Join(s.Dir, found.Name)
	sum, err := s.fetchSum(ctx, found, path+sumSuffix)
	if err != nil {
		return Package{}, err
	}
	if got, err := check(v, path, sum); err == nil {
		return got, nil
	}
	if err := s.fetchDeb(ctx, found, path, sum); err != nil {
		return Package{}, err
	}
	got, err := check(v, path, sum)
	if err != nil {
		return Package{}, errors.Join(err, os.Remove(path))
	}
	return got, nil
}

// Staged returns the package of a version that an earlier Stage has stored, after
// checking it again. It uses no network.
func (s Stager) Staged(v Version) (Package, error) {
	path := filepath.Join(s.Dir, PackageFile(v))
	sum, err := readSum(path+sumSuffix, PackageFile(v))
	if err != nil {
		return Package{}, fmt.Errorf("check staged package %s: %w", v, err)
	}
	got, err := check(v, path, sum)
	if err != nil {
		return Package{}, fmt.Errorf("check staged package %s: %w", v, err)
	}
	return got, nil
}

// Permanent reports whether a retry of Fetch or Stage would fail with the same error.
func Permanent(err error) bool {
	return permanent(err) || AtFault(err)
}

// AtFault reports whether an error of Stage is the fault of the release: its package or
// digest is wrong on every server.
func AtFault(err error) bool {
	return errors.Is(err, ErrDigestMismatch) || errors.Is(err, ErrWrongPackage) || errors.Is(err, ErrBadDigestFile)
}

// CheckSum downloads the digest of a package with client and validates it as Stage
// does. A release with an invalid digest is thus found before any boot server has to
// install it.
//
// It blocks until the digest is downloaded or ctx ends.
func CheckSum(ctx context.Context, client *http.Client, a Asset) error {
	dir, err := os.MkdirTemp("", "neco-digest-")
	if err != nil {
		return diskError(err)
	}
	_, err = Stager{Client: client}.fetchSum(ctx, a, filepath.Join(dir, a.Name+sumSuffix))
	return errors.Join(err, os.RemoveAll(dir))
}

// fetchSum downloads the digest to path and returns it.
func (s Stager) fetchSum(ctx context.Context, a Asset, path string) (string, error) {
	limits := s.Limits
	limits.MaxBytes = maxSumFile
	if _, err := Fetch(ctx, s.Client, a.SumURL, path, limits); err != nil {
		return "", err
	}
	sum, err := readSum(path, a.Name)
	if err != nil {
		return "", fmt.Errorf("release %s: %w", a.ReleaseURL, errors.Join(err, os.Remove(path)))
	}
	return sum, nil
}

// fetchDeb downloads the package to path. It fails if the digest is not sum, or the
// size exceeds the announced one.
func (s Stager) fetchDeb(ctx context.Context, a Asset, path, sum string) error {
	limits := s.Limits.withDefaults()
	if a.Size > limits.MaxBytes {
		return fmt.Errorf("release %s: asset %s: %w: %w: %d bytes, at most %d are allowed",
			a.ReleaseURL, a.Name, ErrWrongPackage, ErrTooLarge, a.Size, limits.MaxBytes)
	}
	if a.Size > 0 {
		limits.MaxBytes = a.Size
	}
	if _, err := fetchTo(ctx, s.Client, a.URL, path, limits, sum); err != nil {
		return fmt.Errorf("fetch %s: %w", displayURL(a.URL), err)
	}
	return nil
}

// check checks that the file at path is the package of version v with the digest sum.
func check(v Version, path, sum string) (Package, error) {
	got, err := sumFile(path)
	if err != nil {
		return Package{}, err
	}
	if got != sum {
		return Package{}, fmt.Errorf("%s: %w: SHA-256 is %s, want %s", path, ErrDigestMismatch, got, sum)
	}
	if err := VerifyDeb(path, neco.NecoPackageName, v.String(), Architecture); err != nil {
		return Package{}, asPublished(err)
	}
	return Package{Version: v, Path: path, SHA256: sum}, nil
}

// asPublished marks the error of a package whose digest is the published one as the
// fault of the release: another download would return the same package.
func asPublished(err error) error {
	if errors.Is(err, ErrWrongPackage) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrWrongPackage, err)
}
