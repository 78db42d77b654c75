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

// LocalPackages is where packages are kept: staged ones, and in the
// environment "test" those that somebody has put there.
const LocalPackages = "/var/lib/neco/packages"

// Arch is the architecture of the packages.
const Arch = "amd64"

// releaseFault marks an error of the release.  In the environment "test" no
// release is at fault: its package is replaced on the server and tried again
// under the same version.
func releaseFault(t worker.Target, err error) error {
	if t.Config.Env == neco.TestEnv {
		return err
	}
	return worker.ReleaseFault(err)
}

// download brings the package of the run to this host and checks it.
func download(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	_, err := h.stage(ctx, t)
	return "", err
}

// stage returns the path of the package, which is there and checked.
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
	t.Tell("downloading the package of %s", t.Version)
	path, err := h.Stage(ctx, t.Config, v)
	if release.Permanent(err) {
		err = worker.Permanent(err)
	}
	if release.AtFault(err) {
		err = releaseFault(t, err)
	}
	return path, err
}

// local is the newest package that lies on the server itself.
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

// errStillOld is returned when the package is installed and this process, of
// the old version, was not replaced.
var errStillOld = errors.New("the new package is installed, but this worker was not restarted")

// install installs the package, which ends this process: the installation
// restarts the worker, and the new one goes on.
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
	// The service that installed it restarts us.  Only if it was killed
	// in between, it is left to us.
	if err := h.Restarter.TryRestart(ctx, "neco-updater"); err != nil {
		return "", fmt.Errorf("restart neco-updater: %w", err)
	}
	if err := h.Restarter.TryRestart(ctx, "neco-worker"); err != nil {
		return "", fmt.Errorf("restart neco-worker: %w", err)
	}
	return "", errStillOld
}
