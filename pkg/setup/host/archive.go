package host

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Archive writes the files and links of a seed as a tar archive to be unpacked
// at the server's root, those in without left out. Everything belongs to root;
// equal seeds give equal bytes.
func Archive(w io.Writer, s Seed, without ...string) error {
	files, err := Files(s)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, f := range files {
		if slices.Contains(without, f.Path) {
			continue
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(f.Path, "/"), Mode: int64(f.Mode.Perm()), Size: int64(len(f.Data)), ModTime: time.Unix(0, 0)}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("archive %s: %w", f.Path, err)
		}
		if _, err := t.Write(f.Data); err != nil {
			return fmt.Errorf("archive %s: %w", f.Path, err)
		}
	}
	links := Links()
	for _, path := range slices.Sorted(maps.Keys(links)) {
		h := &tar.Header{Typeflag: tar.TypeSymlink, Name: strings.TrimPrefix(path, "/"), Linkname: links[path], Mode: 0o777, ModTime: time.Unix(0, 0)}
		if err := t.WriteHeader(h); err != nil {
			return fmt.Errorf("archive %s: %w", path, err)
		}
	}
	return t.Close()
}
