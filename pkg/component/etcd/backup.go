package etcd

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/program"
)

// Backup starts the backup service and blocks until the service has ended. The error
// carries the newest log line of the service. If ctx ends first, the service keeps
// running.
func Backup(ctx context.Context, units component.Units) error {
	err := units.Start(ctx, program.EtcdBackup)
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w; %s", err, units.Describe(context.WithoutCancel(ctx), program.EtcdBackup))
}
