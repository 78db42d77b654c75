package setup

import (
	"context"
	"errors"

	"github.com/cybozu-go/neco/pkg/component/etcd"
)

// firstBackup takes the first snapshot of etcd. If that fails, it prints only a
// warning, because the backup timer takes another snapshot within an hour. Only an
// interruption by the operator is an error.
func firstBackup(ctx context.Context, r *run) error {
	err := etcd.Backup(ctx, r.Units)
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), context.Canceled): // the operator has interrupted the setup
		return err
	}
	r.lines.Say(stageBackup, "warning: no first snapshot of etcd: %s; run: neco backup run", err)
	return nil
}
