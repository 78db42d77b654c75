package neco

import (
	"bytes"
	"fmt"
	"os/exec"

	"github.com/cybozu-go/neco/internal/dpkgrecord"
)

// DebianPackage is one version of a Debian package that is published as an
// asset of a GitHub release.
type DebianPackage struct {
	// Name of the package.
	Name string

	// Owner of the GitHub repository.
	Owner string

	// Repository on GitHub.
	Repository string

	// Release is the tag of the GitHub release.
	Release string
}

// MarshalGo returns the value as it is written in artifacts.go.
func (deb DebianPackage) MarshalGo() string {
	return fmt.Sprintf("{Name: %q, Owner: %q, Repository: %q, Release: %q}", deb.Name, deb.Owner, deb.Repository, deb.Release)
}

// GetDebianVersion returns the version of pkg that is installed here, as
// dpkg-query(1) has it. A package that is absent or only half installed is an
// error that names its state: the version that dpkg shows for it is no proof
// that the package works. Of a package that is installed for several
// architectures the native one counts.
func GetDebianVersion(pkg string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("dpkg-query", "-W", "-f", dpkgrecord.Format, pkg)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("query debian package %s: %w: %s", pkg, err, bytes.TrimSpace(stderr.Bytes()))
	}
	r := dpkgrecord.Parse(string(out))
	if r.State != "installed" {
		return "", fmt.Errorf("debian package %s is %s", pkg, r.State)
	}
	return r.Version, nil
}
