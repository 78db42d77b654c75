package setup

import (
	"context"
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/stage"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// register stores the proxy in etcd, registers all boot servers and requests the first
// update. It does nothing if an earlier attempt has done so.
func register(ctx context.Context, r *run) error {
	s := storage.New(r.state().etcd)
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	if snap.Request != nil {
		return nil // an earlier attempt did all of it in one transaction
	}
	if r.Proxy != "" {
		key, err := storage.FindConfigKey("proxy")
		if err != nil {
			return err
		}
		if err := s.PutConfig(ctx, key, r.Proxy, storage.Act{}); err != nil {
			return err
		}
	}
	return s.Bootstrap(ctx, &update.Request{UpdateRequest: neco.UpdateRequest{
		Version: r.Version, Servers: r.LRNs, StartedAt: r.Now().UTC().Truncate(time.Second),
	}}, "neco setup")
}

// startDaemons writes the configuration of Neco's daemons and starts them.
func startDaemons(ctx context.Context, r *run) error {
	file, err := etcd.NecoConfig(r.LRNs)
	if err != nil {
		return err
	}
	if _, err := r.FS.Write(file); err != nil {
		return err
	}
	return StartDaemons(ctx, r.Units)
}

// StartDaemons starts the timer of the backups, neco-worker and neco-updater. Their
// configuration files must exist.
func StartDaemons(ctx context.Context, units component.Units) error {
	if err := units.StartTimer(ctx, program.EtcdBackup); err != nil {
		return err
	}
	for _, name := range []string{program.Worker, program.Updater} {
		if err := units.Start(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// putFinished stores did, the name of the last stage that this server has completed, in
// etcd. It does nothing before the server is connected to etcd, and retries transient
// errors for a minute.
func (r *run) putFinished(ctx context.Context, did stage.Name) error {
	client := r.state().etcd
	if client == nil {
		return nil
	}
	ctx, cancel := withDeadline(ctx, time.Minute, "etcd")
	defer cancel()
	err := stage.Retry(ctx, r.lines, did, func() error {
		_, err := client.Put(ctx, finishKey(r.LRN), did.String())
		return err
	})
	if err != nil {
		return fmt.Errorf("record the stage: %w", err)
	}
	return nil
}
