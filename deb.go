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
	// Name is the name of the package.
	Name string

	// Owner is the owner of the GitHub repository.
	Owner string

	// Repository is the name of the GitHub repository.
	Repository string

	// Release is the tag of the GitHub release.
	Release string
}

// MarshalGo returns the value as Go code for the file artifacts.go.
func (deb DebianPackage) MarshalGo() string {
	return fmt.Sprintf("{Name: %q, Owner: %q, Repository: %q, Release: %q}", deb.Name, deb.Owner, deb.Repository, deb.Release)
}

// GetDebianVersion returns the installed version of pkg according to dpkg-query(1). If
// the package is absent or not completely installed, it returns an error with the state
// of the package. If the package is installed for several architectures, it returns the
// version of the native one.
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
