package host

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/cybozu-go/neco/internal/dpkgrecord"
)

// Packages operates on the Debian packages of a host.
type Packages struct {
	// Root is the directory that is "/" on the host; empty means "/". With another
	// directory, no privileges are needed, and the packages' scripts get its path in
	// DPKG_ROOT.
	Root string

	// Installer is the command that InstallInUnit runs, to which the path of the package
	// file is appended. The command must call InstallLocked. If Installer is empty, the
	// command is neco-worker install.
	Installer []string
}

// States of a package. All further states in dpkg(1) mean that an installation was
// interrupted.
const (
	StateInstalled    = "installed"
	StateNotInstalled = "not-installed"
	StateConfigFiles  = "config-files" // removed, but its configuration is kept
)

// Status returns the version and the state of the package name in dpkg's database. A
// half-installed package has its new version there, so the state has to be checked too.
// If the package is not installed, the version is empty. If it is installed for several
// architectures, Status returns the native one.
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

// Installed reports whether the package name is installed and configured in exactly the
// given version.
func (p Packages) Installed(ctx context.Context, name, version string) (bool, error) {
	have, state, err := p.Status(ctx, name)
	return err == nil && state == StateInstalled && have == version, err
}

// FileInfo returns the name and the version of the package in the package file deb.
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

// elsewhere reports whether Root is not the root directory of this process.
func (p Packages) elsewhere() bool {
	return p.path("/") != "/"
}
