// Package setuphw is the component that configures the hardware of a boot server: the
// setup-hw container. It must not know other components.
package setuphw

import (
	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// bmcAddressFile is a file with the address of the server's BMC. The operator writes it;
// a server without it has no BMC to configure.
const bmcAddressFile = neco.NecoDir + "/bmc-address.json"

// Component is setup-hw.
type Component struct{}

var _ component.Imaged = Component{}

// Name returns the name of the component.
func (Component) Name() string { return program.SetupHW }

// Image returns the name of the image.
func (Component) Image() string { return program.SetupHW }

// Units returns the units of the component.
func (Component) Units() []component.Unit {
	return []component.Unit{{Name: neco.SetupHWService, Condition: bmcAddressFile}}
}

// Files returns the files of the component. The unit passes the container's privileges in
// an environment variable, so that a drop-in can reduce them on a host that forbids
// privileged containers.
func (Component) Files(t component.Target) ([]host.File, error) {
	image, err := component.ImageName(t, "setup-hw")
	if err != nil {
		return nil, err
	}
	unit, err := component.ContainerUnit{
		Name: neco.SetupHWService, Description: "Set up the hardware of a boot server", Image: image,
		Conditions: []string{bmcAddressFile}, StateDir: "setup-hw",
		RestartSec: 10, OOMScoreAdjust: -1000, Writable: true, HostUTS: true,
		Environment: []string{"PRIVILEGES=--privileged"},
		Options: []string{
			"$PRIVILEGES", "--oom-kill-disable=true",
			"--mount=type=bind,source=/dev,target=/dev",
			"--mount=type=bind,source=/lib/modules,target=/lib/modules,readonly",
			"--mount=type=bind,source=/etc/neco,target=/etc/neco,readonly",
			"--mount=type=bind,source=/var/lib/setup-hw,target=/var/lib/setup-hw",
		},
	}.File()
	return []host.File{unit}, err
}
