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
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/worker"
)

// lockTimeout bounds the wait for the end of a former worker.
const lockTimeout = 30 * time.Second

// run is the daemon.
func run(ctx context.Context, root string, log *slog.Logger) error {
	fs := host.FS{Root: root}
	release, err := lock(ctx, fs, "/var/lib/neco/worker.lock")
	if err != nil {
		return err
	}
	defer release()
	lrn, err := fs.LRN()
	if err != nil {
		return err
	}
	hostID, err := fs.HostID()
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
	log.Info("starts", "version", daemon.Version, "host_id", hostID)
	daemon.Ready(log)
	if err := repair(ctx, root, log); err != nil {
		return err
	}
	return worker.Run(ctx, worker.Options{
		LRN: lrn, HostID: hostID, BootID: bootID(), Version: daemon.Version,
		Etcd: etcd, Table: steps.Table(), Order: compareVersions,
		Doer: steps.NewHost(steps.Real(root, log)), Journal: worker.FileJournal{FS: fs}, Logger: log,
	})
}

// lock keeps a second process of this host out.
func lock(ctx context.Context, fs host.FS, path string) (func(), error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	release, err := fs.Lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("another neco-worker runs here: %w", err)
	}
	return release, nil
}

// repair ends an installation of our own package that was cut short.
func repair(ctx context.Context, root string, log *slog.Logger) error {
	p := host.Packages{Root: root}
	_, state, err := p.Status(ctx, neco.NecoPackageName)
	if err != nil {
		return err
	}
	if state == host.StateInstalled || state == host.StateNotInstalled {
		return nil
	}
	log.Warn("repairs the installation of packages", "state", state)
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	return p.Repair(ctx)
}

// install is what neco-install.service does.
func install(ctx context.Context, root, deb string) error {
	// The package's script leaves the restart of our daemons to us.
	if err := os.Setenv("NECO_INSTALL", "1"); err != nil {
		return err
	}
	if err := (host.Packages{Root: root}).InstallLocked(ctx, deb); err != nil {
		return err
	}
	var units host.Units
	for _, name := range []string{"neco-updater", "neco-worker"} {
		if err := units.TryRestart(ctx, name); err != nil {
			return fmt.Errorf("restart %s: %w", name, err)
		}
	}
	return nil
}

func compareVersions(a, b string) (int, error) {
	va, err := release.Parse(a)
	if err != nil {
		return 0, err
	}
	vb, err := release.Parse(b)
	if err != nil {
		return 0, err
	}
	return va.Compare(vb), nil
}

// bootID tells one boot of the machine from another; it is for people only.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
