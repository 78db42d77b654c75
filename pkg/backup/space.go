package backup

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
)

// restoreSpace is the space in bytes that a restored etcd member needs in addition to
// its database, because etcd preallocates two log files of 64 MB.
const restoreSpace = 160 << 20

// checkSpace returns ErrDiskFull unless the disk has enough space for a backup of the
// current database; see enough.
func (o Options) checkSpace(ctx context.Context) error {
	endpoint := o.Etcd.Endpoints()[0]
	status, err := o.Etcd.Status(ctx, endpoint)
	if err != nil {
		return fmt.Errorf("query the size of etcd's database: %w", err)
	}
	ask := o.Free
	if ask == nil {
		ask = o.FS.Free
	}
	free, err := ask(neco.EtcdBackupDir)
	if err != nil {
		return err
	}
	return enough(free, status.DbSize)
}

// enough returns ErrDiskFull unless free bytes suffice for a backup of a database of
// size bytes: twice that size with a margin of a tenth, for the snapshot and either the
// restored or the encrypted database, and restoreSpace.
func enough(free uint64, size int64) error {
	need := uint64(max(size, 0))/10*22 + restoreSpace
	if free < need {
		return fmt.Errorf("%w: %s has %d MiB free, a snapshot needs %d MiB", ErrDiskFull, neco.EtcdBackupDir, free>>20, need>>20)
	}
	return nil
}
