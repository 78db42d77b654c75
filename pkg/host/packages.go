package host

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/cybozu-go/neco/internal/dpkgrecord"
)

// Packages are the Debian packages of a host.
type Packages struct {
	// Root is the directory that is "/" on the host; empty means "/". Below
	// another directory no privileges are needed, and the packages' scripts
	// find it in DPKG_ROOT.
	Root string

	// Installer is the command that InstallInUnit runs, followed by the
	// package's file; it has to call InstallLocked. If empty, it is
	// neco-worker's subcommand for that.
	Installer []string
}

// States of a package that callers have to tell apart; dpkg(1) has more, all
// of which mean half-way.
const (
	StateInstalled    = "installed"
	StateNotInstalled = "not-installed"
	StateConfigFiles  = "config-files" // removed, but its configuration is kept
)

// Status returns the version of the package name that dpkg has on record and
// the state that it is in. Only together do they say anything: a package that
// is half-installed is on record with its new version. The version of a
// package that is not installed is empty. Of a package for several architectures
// the native one counts.
func (p Packages) Status(ctx context.Context, name string) (version, state string, err error) {
	out, err := p.command(ctx, "dpkg-query", "--admindir", p.path("/var/lib/dpkg"),
		"-W", "-f", dpkgrecord.Format, name)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // no such package
		return "", StateNotInstalled, nil
	}
	if err != nil {
		return "", "", fmt.Errorf("query package %s: %w", name, err)
	}
	r := dpkgrecord.Parse(out)
	return r.Version, r.State, nil
}

// Installed says whether exactly this version of the package is installed and
// configured.
func (p Packages) Installed(ctx context.Context, name, version string) (bool, error) {
	have, state, err := p.Status(ctx, name)
	return err == nil && state == StateInstalled && have == version, err
}

// FileInfo returns the name and the version of the package in the file deb.
func (p Packages) FileInfo(ctx context.Context, deb string) (name, version string, err error) {
	out, err := p.command(ctx, "dpkg-deb", "--showformat", `${Package} ${Version}`, "--show", deb)
	if err != nil {
		return "", "", fmt.Errorf("read package %s: %w", deb, err)
	}
	name, version, ok := strings.Cut(strings.TrimSpace(out), " ")
	if !ok || version == "" {
		return "", "", fmt.Errorf("read package %s: it has no name or no version", deb)
	}
	return name, version, nil
}

func (p Packages) path(name string) string {
	return FS{Root: p.Root}.Path(name)
}

// elsewhere says whether the packages are below another root directory than
// this process's.
func (p Packages) elsewhere() bool {
	return p.path("/") != "/"
}
