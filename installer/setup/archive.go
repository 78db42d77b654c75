package setup

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// Archive writes the files of a server, and the links that enable its units, to w as a
// tar archive. The paths are relative to the root directory of the server, and all
// entries belong to root. The same files give the same bytes.
func Archive(w io.Writer, files []host.File) error {
	t := tar.NewWriter(w)
	for _, f := range files {
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
