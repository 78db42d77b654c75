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

// Package describes a package file on disk that has passed every check.
type Package struct {
	// Version is the version of the package.
	Version Version
	// Path is the path of the file, which is named by PackageFile.
	Path string
	// SHA256 is the digest of the file in lower-case hex.
	SHA256 string
}

// Stager downloads packages of releases and their digests to a directory and checks them.
type Stager struct {
	// Finder finds the releases of the repository.
	Finder *Finder
	// Channel selects the tags under which the package of a version is looked up.
	Channel Channel
	// Client downloads the files. It must not send a token, because the files are not on
	// GitHub's own hosts.
	Client *http.Client
	// Dir is the directory for the packages. Stage creates it if needed.
	Dir string
	// Limits are the limits of one download.
	Limits Limits
}

// Stage downloads the package of version v to the directory and checks it: its digest
// must be the published one, and it must be the neco package of this version for the
// architecture of boot servers. A file from an earlier call that passes these checks is
// not downloaded again.
//
// It blocks until the package is stored and checked, or ctx ends. It removes a package
// that fails a check, and the packages of other versions except the newest two. It must
// not run concurrently for one directory. Permanent reports whether a retry after an
// error can succeed.
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

// Staged returns the package of version v that an earlier call of Stage has stored, and
// checks it again. It uses no network.
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

// Permanent reports whether err, an error of Fetch or Stage, would occur again in
// another attempt.
func Permanent(err error) bool {
	return permanent(err) || AtFault(err)
}

// AtFault reports whether the release itself has caused err, an error of Stage, FetchDeb,
// Fetch or neco.ImageFetcher: a file, an image or a digest is wrong for every boot server.
func AtFault(err error) bool {
	return errors.Is(err, ErrDigestMismatch) || errors.Is(err, ErrWrongPackage) || errors.Is(err, ErrBadDigestFile) ||
		errors.Is(err, neco.ErrImageDigest)
}

// CheckSum downloads the digest of the package a with client, and checks the digest as
// Stage does. Thus a release with an invalid digest is found before a boot server has
// to install it. CheckSum blocks until the digest is downloaded or ctx ends.
func CheckSum(ctx context.Context, client *http.Client, a Asset) error {
	dir, err := os.MkdirTemp("", "neco-digest-")
	if err != nil {
		return diskError(err)
	}
	_, err = Stager{Client: client}.fetchSum(ctx, a, filepath.Join(dir, a.Name+sumSuffix))
	return errors.Join(err, os.RemoveAll(dir))
}

// fetchSum downloads the digest file of a to path, and returns the digest.
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

// fetchDeb downloads the package a to path. It fails if the digest of the package is
// not sum, or the package is larger than the server has stated.
func (s Stager) fetchDeb(ctx context.Context, a Asset, path, sum string) error {
	limits := s.Limits.withDefaults()
	if a.Size > limits.MaxBytes {
		return fmt.Errorf("release %s: asset %s: %w: %w: %d bytes, at most %d are allowed",
			a.ReleaseURL, a.Name, ErrWrongPackage, ErrTooLarge, a.Size, limits.MaxBytes)
	}
	if a.Size > 0 {
		limits.MaxBytes = a.Size
	}
	limits.SHA256 = sum
	_, err := Fetch(ctx, s.Client, a.URL, path, limits)
	return err
}

// check returns the package at path if its version is v and its digest is sum, and an
// error otherwise.
func check(v Version, path, sum string) (Package, error) {
	got, err := SumFile(path)
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

// asPublished marks err as caused by the release. The caller has verified that the
// package has its published digest, so another download would return the same package.
func asPublished(err error) error {
	if errors.Is(err, ErrWrongPackage) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrWrongPackage, err)
}
