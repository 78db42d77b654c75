package backup

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
)

// restoreSpace is what a restored member needs beside its database: etcd makes
// the files of its log in their full size of 64 MB, two of them.
const restoreSpace = 160 << 20

// checkSpace makes sure that there is room for the snapshot, and beside it for
// the restored or the encrypted one, with a tenth to spare.
func (o Options) checkSpace(ctx context.Context) error {
	endpoint := o.Etcd.Endpoints()[0]
	status, err := o.Etcd.Status(ctx, endpoint)
	if err != nil {
		return fmt.Errorf("ask etcd for its size: %w", err)
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

// enough says whether that many free bytes are enough for a database.
func enough(free uint64, size int64) error {
	need := uint64(max(size, 0))/10*22 + restoreSpace
	if free < need {
		return fmt.Errorf("%w: %s has %d MiB free, a snapshot needs %d MiB", ErrDiskFull, neco.EtcdBackupDir, free>>20, need>>20)
	}
	return nil
}
