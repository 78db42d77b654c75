// Package statesetter is the component of sabakan-state-setter on a boot server. It owns
// the decision when the program is restarted; the package of Neco contains its executable,
// its configuration and its unit. It must not know other components.
package statesetter

import (
	"path/filepath"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// executable is the path of the program.
const executable = "/usr/bin/" + neco.SabakanStateSetterService

// Component is sabakan-state-setter.
type Component struct{}

var _ component.Packaged = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.SabakanStateSetter }

// Units returns the units of the component.
func (Component) Units() []component.Unit { return component.Services(program.SabakanStateSetter) }

// Files returns no files: all files are in the package.
func (Component) Files(component.Target) ([]host.File, error) { return nil, nil }

// PackageFiles returns the executable and its configuration.
func (Component) PackageFiles(host.FS) ([]string, error) {
	return []string{executable, filepath.Join(neco.NecoDataDir, neco.SabakanStateSetterService+".yml")}, nil
}
