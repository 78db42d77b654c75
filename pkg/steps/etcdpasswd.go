package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/logins"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// debs is the directory for downloaded Debian packages of other projects. A package is
// removed after its installation.
const debs = "/var/lib/neco/debs"

// configureSudo is an action: it lets the group sudo use sudo without a password.
func configureSudo(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (string, error) {
	return refused(h.logins().Sudo(ctx))
}

// configureSSH is an action: it makes sshd accept keys only and record sessions.
func configureSSH(ctx context.Context, h *Host, _ component.Component, _ worker.Target) (string, error) {
	return refused(h.logins().SSH(ctx))
}

func (h *Host) logins() logins.Server { return logins.Server{FS: h.FS, Reload: h.Reload} }

// refused marks an error as permanent if sshd or visudo has refused a file.
func refused(note string, err error) (string, error) {
	if errors.Is(err, logins.ErrRefused) {
		err = worker.Permanent(err)
	}
	return note, err
}

// installDeb is an action: it installs the Debian package of c from the artifact set
// unless that release is installed, and records it in etcd. A package whose digest is
// unknown is installed only in the environment "test".
func installDeb(ctx context.Context, h *Host, c component.Component, t worker.Target) (string, error) {
	d, err := h.Artifacts.FindDebianPackage(c.Name())
	if err != nil {
		return "", worker.Permanent(err)
	}
	have, done, err := h.installedDeb(ctx, d)
	if err != nil {
		return "", err
	}
	if !done {
		digest := h.Digests.Of(d)
		if digest == "" && t.Config.Env != neco.TestEnv {
			return fmt.Sprintf("%s %s not installed: digest unknown; here is %s", d.Name, d.Release, cmp.Or(have, "none")), nil
		}
		if err := h.installFrom(ctx, d, digest, t); err != nil {
			return "", err
		}
	}
	if err := t.Record(ctx, storage.DebKey(t.LRN, d.Name), d.Release); err != nil {
		return "", fmt.Errorf("record %s: %w", d.Name, err)
	}
	return "", nil
}

// installedDeb returns the version of the package d on this host, or "" if it is not
// installed, and whether that version is the release of d.
func (h *Host) installedDeb(ctx context.Context, d neco.DebianPackage) (have string, done bool, err error) {
	have, state, err := h.Packages.Status(ctx, d.Name)
	if err != nil || state != host.StateInstalled {
		return "", false, err
	}
	return have, release.IsRelease(d, have), nil
}

// installFrom downloads the package d, checks it and installs it.
func (h *Host) installFrom(ctx context.Context, d neco.DebianPackage, digest string, t worker.Target) error {
	t.Report("downloading %s %s", d.Name, d.Release)
	path, err := h.FetchDeb(ctx, t.Config, d, digest)
	if err != nil {
		if release.AtFault(err) {
			return releaseFault(t, worker.Permanent(err))
		}
		if release.Permanent(err) {
			return worker.Permanent(err)
		}
		return err
	}
	if err := h.Packages.InstallInUnit(ctx, path, t.Progress); err != nil {
		if errors.Is(err, host.ErrRefused) {
			err = releaseFault(t, err)
		}
		return err
	}
	if have, done, err := h.installedDeb(ctx, d); err != nil || !done {
		return fmt.Errorf("install %s %s: dpkg has version %q: %w", d.Name, d.Release, have, cmp.Or(err, errNotInstalled))
	}
	return os.Remove(path)
}

// errNotInstalled reports that dpkg's database does not contain the package that was
// installed.
var errNotInstalled = errors.New("it is not installed")
