package etcd

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco/pkg/component"
)

// BackupUnit is the name of the service that takes one snapshot of this server's
// member and ends, and of the timer that starts the service every hour.
const BackupUnit = "etcd-backup"

// Backup starts the backup service and blocks until the service has ended.  The
// error carries the newest log line of the service.  If ctx ends first, the
// service goes on.
func Backup(ctx context.Context, units component.Units) error {
	err := units.Start(ctx, BackupUnit)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, units.Describe(context.WithoutCancel(ctx), BackupUnit))
}
