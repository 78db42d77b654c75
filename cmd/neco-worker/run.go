package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/worker"
)

// run runs neco-worker, with its files below root, until ctx ends.
func run(ctx context.Context, root string, log *slog.Logger) error {
	s, err := daemon.Open(ctx, root, "neco-worker", log)
	if err != nil {
		return err
	}
	defer s.Close()
	hostID, err := s.FS.HostID()
	if err != nil {
		return err
	}
	pulse := s.StartWatchdog(ctx, worker.StallLimit)
	pulse.Allow(installTimeout + 2*startTimeout)
	if err := repair(ctx, root, host.Units{}.TryRestart, s.Log); err != nil {
		return err
	}
	startDown(ctx, s.FS, host.Units{}, s.Log)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return worker.Run(ctx, worker.Options{
			LRN: s.LRN, HostID: hostID, BootID: daemon.BootID(), Version: daemon.Version,
			Etcd: s.Etcd, Table: steps.Table(), Order: release.Order,
			Doer: steps.NewHost(steps.Real(root, s.Etcd, s.Log)), Journal: worker.FileJournal{FS: s.FS}, Logger: s.Log,
			Pulse: pulse,
		})
	})
	g.Go(func() error {
		renewal.NewRenewer(s.FS, s.LRN, s.Etcd, s.Log).Run(ctx)
		return nil
	})
	g.Go(func() error {
		vault.NewGuard(s.FS, s.Log).Run(ctx)
		return nil
	})
	return g.Wait()
}

// repair completes an interrupted installation of the neco package, and then restarts
// neco-updater unless it is stopped. It does nothing if the package is completely installed
// or absent.
func repair(ctx context.Context, root string, restart func(ctx context.Context, name string) error, log *slog.Logger) error {
	p := host.Packages{Root: root}
	_, state, err := p.Status(ctx, neco.NecoPackageName)
	if err != nil {
		return err
	}
	if state == host.StateInstalled || state == host.StateNotInstalled {
		return nil
	}
	log.Warn("repairs the installation of packages, unless dpkg completes it", "state", state)
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	// If the script restarted neco-worker, systemd would end dpkg, a process of its service,
	// and the package would stay half-configured at each start.
	if err := leaveRestart(); err != nil {
		return err
	}
	// The script of a package that is being installed by hand has restarted this program, and
	// neco-updater.
	if incomplete, err := p.Repair(ctx, neco.NecoPackageName); err != nil || !incomplete {
		return err
	}
	if err := restart(ctx, updater); err != nil {
		return fmt.Errorf("restart %s: %w", updater, err)
	}
	return nil
}

const updater = "neco-updater"

// leaveRestart sets the variable that tells the script of the package to leave the restart
// of the daemons to this program.
func leaveRestart() error {
	return os.Setenv("NECO_INSTALL", "1")
}

// install installs the package file deb. If that is the neco package, it then restarts
// neco-updater and neco-worker unless they are stopped. neco-install.service runs it.
func install(ctx context.Context, root, deb string) error {
	p := host.Packages{Root: root}
	if err := leaveRestart(); err != nil {
		return err
	}
	if err := p.InstallLocked(ctx, deb); err != nil {
		return err
	}
	if name, _, err := p.FileInfo(ctx, deb); err != nil || name != neco.NecoPackageName {
		return err
	}
	var units host.Units
	for _, name := range []string{updater, "neco-worker"} {
		if err := units.TryRestart(ctx, name); err != nil {
			return fmt.Errorf("restart %s: %w", name, err)
		}
	}
	return nil
}
