package toolset

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// archiveTime is the modification time of all members of archives. It does not depend on the
// release, so that a release with the same programs has the same archives, which nodes do not
// download again.
func archiveTime() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// packer returns the function that writes the files of a directory into an archive with the
// name file, or nil if that is not the name of an archive. The members are in the order of their
// names.
func packer(file string) func(file, dir string) error {
	switch {
	case isZip(file):
		return func(file, dir string) error { return pack(file, dir, zipFiles) }
	case strings.HasSuffix(file, ".tgz"):
		return func(file, dir string) error { return pack(file, dir, tarFiles) }
	}
	return nil
}

// pack writes an archive with the name file by write, and makes its directory. After an error
// the file does not exist.
func pack(file, dir string, write func(w io.Writer, dir string) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	return write(f, dir)
}

func zipFiles(w io.Writer, dir string) error {
	z := zip.NewWriter(w)
	err := eachFile(dir, func(name string, mode fs.FileMode, size int64, r io.Reader) error {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime()}
		h.SetMode(mode)
		m, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		_, err = io.Copy(m, r)
		return err
	})
	return errors.Join(err, z.Close())
}

func tarFiles(w io.Writer, dir string) error {
	z := gzip.NewWriter(w)
	a := tar.NewWriter(z)
	err := eachFile(dir, func(name string, mode fs.FileMode, size int64, r io.Reader) error {
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: int64(mode), Size: size, ModTime: archiveTime(), Format: tar.FormatUSTAR}
		if err := a.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(a, r)
		return err
	})
	if err == nil {
		err = a.Close()
	}
	return errors.Join(err, z.Close())
}

// eachFile calls f for each file below dir, in the order of the names, with the mode that the
// file has in archives: 0755 for programs and 0644 for others.
func eachFile(dir string, f func(name string, mode fs.FileMode, size int64, r io.Reader) error) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		r, err := os.Open(file)
		if err != nil {
			return err
		}
		defer r.Close()
		mode := fs.FileMode(0o644)
		if info.Mode().Perm()&0o100 != 0 {
			mode = 0o755
		}
		return f(name, mode, info.Size(), r)
	})
}
