package backup

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// Entry is an encrypted snapshot on the disk.
type Entry struct {
	Name
	// Path is the path of the encrypted file on the host.
	Path string
	// Size is the size of the encrypted file in bytes.
	Size int64
}

// List returns the snapshots of the host, the newest first. It ignores other files in
// their directory. If the directory does not exist, there are no snapshots.
func List(fsys host.FS) ([]Entry, error) {
	files, err := os.ReadDir(fsys.Path(neco.EtcdBackupDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	var all []Entry
	for _, f := range files {
		name, err := ParseName(f.Name())
		if err != nil || !f.Type().IsRegular() {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // pruned meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		all = append(all, Entry{name, path.Join(neco.EtcdBackupDir, f.Name()), info.Size()})
	}
	slices.SortFunc(all, newestFirst)
	return all, nil
}

func newestFirst(a, b Entry) int {
	return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(b.Revision, a.Revision))
}
