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
	// Root is the directory that is "/" on the host; empty means "/". Below another
	// directory no privileges are needed, and the packages' scripts have it in
	// DPKG_ROOT.
	Root string

	// Installer is the command that InstallInUnit runs, followed by the package file;
	// it has to call InstallLocked. If empty, it is the install subcommand of
	// neco-worker.
	Installer []string
}

// States of a package. dpkg(1) has more states, all of which mean an interrupted
// installation.
const (
	StateInstalled    = "installed"
	StateNotInstalled = "not-installed"
	StateConfigFiles  = "config-files" // removed, but its configuration is kept
)

// Status returns the version and the state of the package name in dpkg's database. The
// version alone is not enough: a half-installed package has its new version there. The
// version is empty if the package is not installed. For a package with several
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

// Installed reports whether exactly this version of the package is installed and
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

// elsewhere reports whether Root is another directory than this process's root.
func (p Packages) elsewhere() bool {
	return p.path("/") != "/"
}
