package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

// ErrMoved reports that a tag refers to another image than when its digest was recorded.
var ErrMoved = errors.New("the tag has been moved")

// Digests returns the digests of the artifacts in set.
//
//   - That of an image is computed from the manifest, or the index of manifests, that the
//     registry has under the tag. If known has another digest, the error is ErrMoved.
//   - That of a private image is computed if there is an account for registries.
//   - Those of a Debian package and of the files of the operating system are taken from
//     known, or else computed from the downloaded file. Only TLS protects the download.
//
// A private image without account keeps the digest in known; if there is none, a warning is
// logged. Digests blocks until it has them all or ctx ends. It stores files in a temporary
// directory, which it removes. If it fails, the error contains the errors of all artifacts.
func (f Finder) Digests(ctx context.Context, set neco.ArtifactSet, known release.Digests) (digests release.Digests, err error) {
	dir, err := os.MkdirTemp("", "neco-artifacts-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &table{known: known, digests: release.Digests{}}
	var lookups []func() error
	for _, img := range set.Images {
		lookups = append(lookups, func() error { return f.imageDigests(ctx, t, img) })
	}
	for _, d := range set.Debs {
		lookups = append(lookups, func() error {
			return t.file(release.DigestKey(d), func() (string, error) { return f.debDigest(ctx, d, dir) })
		})
	}
	kernel, initrd := set.OSImage.URLs()
	for _, address := range []string{kernel, initrd} {
		lookups = append(lookups, func() error {
			return t.file(address, func() (string, error) { return f.fileDigest(ctx, address, dir) })
		})
	}
	if err := all(lookups); err != nil {
		return nil, err
	}
	return t.digests, nil
}

// table is a table of digests that is being filled. It is safe for concurrent use.
type table struct {
	known release.Digests

	mu      sync.Mutex
	digests release.Digests
}

func (t *table) set(key, digest string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.digests[key] = digest
}

// file adds the digest of a file: the known one, or else that which compute returns.
func (t *table) file(key string, compute func() (string, error)) error {
	digest := t.known[key]
	if digest == "" {
		var err error
		if digest, err = compute(); err != nil {
			return err
		}
	}
	t.set(key, digest)
	return nil
}

// image adds the digest of the image that fetcher finds under the tag of img, whose full name
// is full.
func (t *table) image(ctx context.Context, fetcher neco.ImageFetcher, img neco.ContainerImage, full string) error {
	ctx, cancel := context.WithTimeout(ctx, imageTimeout)
	defer cancel()
	digest, err := fetcher.Digest(ctx, img)
	if err != nil {
		return err
	}
	if before := t.known[full]; before != "" && before != digest {
		return fmt.Errorf("image %s: %w: it refers to sha256:%s now, and the digest in artifacts_digests.go is sha256:%s; find out why, and remove that line to accept the new image",
			full, ErrMoved, digest, before)
	}
	t.set(full, digest)
	return nil
}

// imageDigests adds the digest of img to t, and that of the private image beside it.
func (f Finder) imageDigests(ctx context.Context, t *table, img neco.ContainerImage) error {
	public := neco.NewImageFetcher(f.Transport, nil)
	err := t.image(ctx, public, img, img.FullName(false))
	if !img.Private {
		return err
	}
	full := img.FullName(true)
	if f.Account != nil {
		return errors.Join(err, t.image(ctx, neco.NewImageFetcher(f.Transport, f.Account), img, full))
	}
	if digest := t.known[full]; digest != "" {
		t.set(full, digest)
	} else {
		f.Log.Warn("no digest of a private image, because there is no account for its registry", "image", full)
	}
	return err
}

// debDigest downloads the package d to a file below dir and returns the digest of the file.
func (f Finder) debDigest(ctx context.Context, d neco.DebianPackage, dir string) (string, error) {
	finder, client := f.repository(d)
	file, err := release.FetchDeb(ctx, finder, client, d, "", filepath.Join(dir, d.Name))
	if err != nil {
		return "", err
	}
	return release.SumFile(file)
}

// fileDigest downloads the file at address to dir and returns its digest. It fails if the file
// is text, such as the login page of a proxy.
func (f Finder) fileDigest(ctx context.Context, address, dir string) (string, error) {
	name := filepath.Join(dir, path.Base(address))
	got, err := release.Fetch(ctx, &http.Client{Transport: f.Transport}, address, name, release.Limits{})
	if err != nil {
		return "", err
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	head := make([]byte, 512) // what DetectContentType considers
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", fmt.Errorf("read %s: %w", address, err)
	}
	if t := http.DetectContentType(head[:n]); strings.HasPrefix(t, "text/") {
		return "", fmt.Errorf("read %s: the answer is %s, not a file of the operating system", address, t)
	}
	return got.SHA256, nil
}
