package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/updater"
)

// lockTimeout bounds the wait for the end of a former updater.
const lockTimeout = 30 * time.Second

// run is the daemon.
func run(ctx context.Context, root string, log *slog.Logger) error {
	fs := host.FS{Root: root}
	lctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	release, err := fs.Lock(lctx, "/var/lib/neco/updater.lock")
	if err != nil {
		return fmt.Errorf("another neco-updater runs here: %w", err)
	}
	defer release()
	lrn, err := fs.LRN()
	if err != nil {
		return err
	}
	cluster, err := fs.Cluster()
	if err != nil {
		return err
	}
	hostname, err := hostName(fs)
	if err != nil {
		return err
	}
	conf, err := neco.LoadEtcdConfig(fs.Path(neco.NecoConfFile))
	if err != nil {
		return err
	}
	etcd, err := conf.Client()
	if err != nil {
		return err
	}
	defer etcd.Close()
	log = log.With("lrn", lrn)
	log.Info("starts", "version", daemon.Version)
	daemon.Ready(log)
	return updater.Run(ctx, updater.Options{
		LRN: lrn, Hostname: hostname, Etcd: etcd, Logger: log,
		Finder: &finder{log: log}, Notifier: notifier{cluster: cluster},
	})
}

// hostName is the host's own: that of the kernel, unless the file system is
// another's.
func hostName(fs host.FS) (string, error) {
	if fs.Root != "" && fs.Root != "/" {
		data, err := fs.Read("/etc/hostname")
		if err == nil {
			return strings.TrimSpace(string(data)), nil
		}
	}
	return os.Hostname()
}
