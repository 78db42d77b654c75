package toolset

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/cybozu-go/neco/pkg/release"
)

// download returns the directory in the cache with the programs of t, whose SHA256 must be set.
// It downloads the file at t.URL unless a file with this digest was downloaded before for the
// same programs. A file with another digest is an error.
func (s stager) download(ctx context.Context, t Tool) (string, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s %q", t.SHA256, t.members))
	return s.cached(fmt.Sprintf("%s-%s-%x", t.Name, t.Version, key[:16]), func(dir string) error {
		s.log("download %s", t.URL)
		file := filepath.Join(dir, path.Base(t.URL))
		if _, err := release.Fetch(ctx, s.opts.Client, t.URL, file, release.Limits{SHA256: t.SHA256}); err != nil {
			return err
		}
		if !isArchive(t.URL) {
			return os.Chmod(file, 0o755)
		}
		if err := extract(file, dir, t.members); err != nil {
			return fmt.Errorf("%s: %w", t.URL, err)
		}
		return os.Remove(file)
	})
}

// extract writes the members of the archive file into dir, each below its base name. It is an
// error if a member is missing or is not a regular file.
func extract(file, dir string, members []string) error {
	missing := slices.Clone(members)
	each := func(name string, mode fs.FileMode, r io.Reader) error {
		i := slices.Index(missing, path.Clean(name))
		if i < 0 {
			return nil
		}
		if !mode.IsRegular() {
			return fmt.Errorf("%s is not a regular file", name)
		}
		member := missing[i]
		missing = slices.Delete(missing, i, i+1)
		return writeProgram(filepath.Join(dir, path.Base(member)), r)
	}
	walk := walkTar
	if isZip(file) {
		walk = walkZip
	}
	if err := walk(file, each); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the archive has no %q", missing)
	}
	return nil
}

// walkTar calls each for each member of a compressed tar archive.
func walkTar(file string, each func(name string, mode fs.FileMode, r io.Reader) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := each(h.Name, h.FileInfo().Mode(), r); err != nil {
			return err
		}
	}
}

// walkZip calls each for each member of a ZIP archive.
func walkZip(file string, each func(name string, mode fs.FileMode, r io.Reader) error) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(each(m.Name, m.Mode(), r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

// writeProgram writes an executable file.
func writeProgram(name string, r io.Reader) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Chmod(0o755), f.Close())
}
