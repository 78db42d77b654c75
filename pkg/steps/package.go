package steps

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/worker"
)

// LocalPackages is the directory for downloaded and verified packages. In the environment
// "test", operators put packages there.
const LocalPackages = "/var/lib/neco/packages"

// Arch is the Debian architecture of Neco's packages.
const Arch = "amd64"

// releaseFault marks err as a fault of the release. In the environment "test" it returns
// err unchanged, because a faulty package can be replaced there under the same version.
func releaseFault(t worker.Target, err error) error {
	if t.Config.Env == neco.TestEnv {
		return err
	}
	return worker.ReleaseFault(err)
}

// download is an action: it stores the verified package of the run on this host.
func download(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	_, err := h.stage(ctx, t)
	return "", err
}

// stage returns the path of the run's verified package on this host. It downloads the
// package first if needed. In the environment "test" it takes the newest package in
// LocalPackages.
func (h *Host) stage(ctx context.Context, t worker.Target) (string, error) {
	if t.Config.Env == neco.TestEnv {
		return h.local(t.Version)
	}
	v, err := release.Parse(t.Version)
	if err != nil {
		return "", worker.Permanent(err)
	}
	if path, err := h.Staged(v); err == nil {
		return path, nil
	}
	t.Report("downloading the package of %s", t.Version)
	path, err := h.Stage(ctx, t.Config, v)
	if release.Permanent(err) {
		err = worker.Permanent(err)
	}
	if release.AtFault(err) {
		err = releaseFault(t, err)
	}
	return path, err
}

// local returns the newest package in [LocalPackages]. It fails if there is none or if
// that package does not have the given version.
func (h *Host) local(version string) (string, error) {
	pattern := filepath.Join(h.FS.Path(LocalPackages), fmt.Sprintf("neco_*_%s.deb", Arch))
	found, err := filepath.Glob(pattern)
	if err != nil {
		return "", worker.Permanent(err)
	}
	newest, at := "", time.Time{}
	for _, p := range found {
		if info, err := os.Stat(p); err == nil && info.ModTime().After(at) {
			newest, at = p, info.ModTime()
		}
	}
	if newest == "" {
		return "", fmt.Errorf("no package in %s; put neco_%s_%s.deb there", LocalPackages, version, Arch)
	}
	if err := release.VerifyDeb(newest, neco.NecoPackageName, version, Arch); err != nil {
		return "", worker.Permanent(err)
	}
	return newest, nil
}

// errStillOld reports that the package is installed, but this worker of the old version
// was not restarted.
var errStillOld = errors.New("the new package is installed, but this worker was not restarted")

// install is an action: it installs the package, which restarts the worker and ends
// this process. The new worker continues the run. If the package is already installed,
// install only restarts Neco's services.
func install(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	done, err := h.Packages.Installed(ctx, neco.NecoPackageName, t.Version)
	if err != nil {
		return "", err
	}
	if !done {
		path, err := h.stage(ctx, t)
		if err != nil {
			return "", err
		}
		if err := h.Packages.InstallInUnit(ctx, path, t.Progress); err != nil {
			if errors.Is(err, host.ErrRefused) {
				err = releaseFault(t, err)
			}
			return "", err
		}
	}
	// The service that installed the package restarts both daemons. This code is
	// reached only if that service was killed before it did so.
	if err := h.Restarter.TryRestart(ctx, "neco-updater"); err != nil {
		return "", fmt.Errorf("restart neco-updater: %w", err)
	}
	if err := h.Restarter.TryRestart(ctx, "neco-worker"); err != nil {
		return "", fmt.Errorf("restart neco-worker: %w", err)
	}
	return "", errStillOld
}
