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
	// Version is the package's.
	Version Version
	// Path is the file, named as PackageFile says.
	Path string
	// SHA256 is its digest in lower-case hex.
	SHA256 string
}

// Stager brings packages of releases into a directory, beside their digests.
type Stager struct {
	// Finder knows the repository.
	Finder *Finder
	// Channel says under which tags a version is looked up.
	Channel Channel
	// Client downloads. It must send no token: assets lie on other hosts.
	Client *http.Client
	// Dir is where packages are kept; it is made if it is missing.
	Dir string
	// Limits are those of one download.
	Limits Limits
}

// Stage brings the package of a version into the directory. It is there and
// checked when Stage returns: its digest is the one published beside it, and
// inside it is the neco package of this version for our architecture. A file
// that is there already is used if it passes the same checks.
//
// It blocks until then, or until ctx is done. Whatever fails a check is
// removed, and so are the packages of older versions but the newest two.
// The directory has one user at a time. See Permanent for the errors with
// which it would fail again.
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

// Staged returns the package of a version that an earlier Stage has brought
// into the directory, after checking it again. It asks no server.
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

// Permanent reports whether Fetch or Stage would fail in the same way again.
func Permanent(err error) bool {
	return permanent(err) || AtFault(err)
}

// AtFault reports whether an error of Stage is the fault of the release: its
// package or digest is not what it must be, wherever it is installed.
func AtFault(err error) bool {
	return errors.Is(err, ErrDigestMismatch) || errors.Is(err, ErrWrongPackage) || errors.Is(err, ErrBadDigestFile)
}

// CheckSum downloads the digest of a package with client and reads it as Stage
// does. A release whose digest Stage would refuse is thus known before any boot
// server is asked to install it.
//
// It blocks until then, or until ctx is done.
func CheckSum(ctx context.Context, client *http.Client, a Asset) error {
	dir, err := os.MkdirTemp("", "neco-digest-")
	if err != nil {
		return diskError(err)
	}
	_, err = Stager{Client: client}.fetchSum(ctx, a, filepath.Join(dir, a.Name+sumSuffix))
	return errors.Join(err, os.RemoveAll(dir))
}

// fetchSum brings the digest and reads it.
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

// fetchDeb brings the package, if it has the digest, and no byte more than
// were announced.
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

// check makes sure that a file is the package, whole and the right one.
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

// asPublished marks what is wrong inside a package whose digest is the
// published one: another download would bring the same.
func asPublished(err error) error {
	if errors.Is(err, ErrWrongPackage) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrWrongPackage, err)
}
