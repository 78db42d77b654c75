package component

import (
	"context"
	"fmt"
	"io"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// Target describes the state to which a host is to be brought: the boot servers, the
// version, the artifacts and the inputs of its configuration.
type Target struct {
	// LRN is the host's own rack number. Members are the numbers of all boot servers in
	// the update.
	LRN     int
	Members []int
	// Version is the version of the neco package.
	Version   string
	Artifacts neco.ArtifactSet
	// Private selects the names of private images in the registry; see
	// [neco.ContainerImage.FullName].
	Private bool
	Facts   Facts
	// Inputs are the values from etcd for the component's files; see [Parameterized].
	Inputs map[Input]string
}

// Artifacts returns the artifacts of this version of Neco.
func Artifacts() neco.ArtifactSet { return neco.CurrentArtifacts }

// Facts are properties of a host that are passed on to other programs in the
// configuration of components.
type Facts struct {
	// OSName and OSVersion are NAME and VERSION_ID in os-release(5).
	OSName, OSVersion string
	// Serial is the serial number of the machine; empty if it is unknown.
	Serial string
}

// Unit is a systemd unit of a component.
type Unit struct {
	// Name is the unit's name without ".service" or ".timer".
	Name string
	// Timer is true for a timer and false for a service.
	Timer bool
	// Condition is a file without which systemd does not start the service, which is not
	// an error. It is empty if there is no condition.
	Condition string
}

// Component is a program that Neco manages on a boot server.
type Component interface {
	Name() string
	// Files returns all files of the component with their contents for the target t. It
	// reads nothing from the host.
	Files(t Target) ([]host.File, error)
	// Units returns the component's units in the order in which they are started.
	Units() []Unit
}

// Imaged is a component that runs a container.
type Imaged interface {
	// Image returns the name of the component's image in the artifact set.
	Image() string
}

// Tooled is a component whose image contains commands for the host.
type Tooled interface {
	Imaged
	// Tools returns the mount point in the image's container at which it expects
	// /usr/local/bin of the host.
	Tools() (mount string)
}

// Units operates on the units of systemd.
type Units interface {
	Start(ctx context.Context, name string) error
	Stop(ctx context.Context, name string) error
	Restart(ctx context.Context, name string) error
	StartTimer(ctx context.Context, name string) error
	TimerActive(ctx context.Context, name string) (bool, error)
	// Enable makes the unit start at boot, and Disable prevents that. Start and Restart
	// also enable the unit.
	Enable(ctx context.Context, name string) error
	Disable(ctx context.Context, name string) error
	IsActive(ctx context.Context, name string) (bool, error)
	// Describe returns the state of a service and its newest log line as text for people.
	Describe(ctx context.Context, name string) string
}

// Containers operates on the container runtime.
type Containers interface {
	Pull(ctx context.Context, img neco.ContainerImage) error
	// Tarball downloads img and writes it to w in the format of docker load. It writes the
	// same bytes each time.
	Tarball(ctx context.Context, img neco.ContainerImage, w io.Writer) error
	// TarballSize returns the number of bytes that Tarball writes, without a download of
	// layers.
	TarballSize(ctx context.Context, img neco.ContainerImage) (int64, error)
	FullName(img neco.ContainerImage) string
	Running(ctx context.Context, img neco.ContainerImage) (bool, error)
	// Version returns the image tag of the running container called name, or "" if the
	// container does not run or its tag is unknown.
	Version(ctx context.Context, name string) (string, error)
	Present(ctx context.Context, img neco.ContainerImage) bool
	// Outdated reports whether the container called name runs an older image than the one
	// that the name of img refers to now.
	Outdated(ctx context.Context, name string, img neco.ContainerImage) bool
	RunInstallTools(ctx context.Context, img neco.ContainerImage, mount string) error
}

// Host gives access to the host on which a component runs.
type Host struct {
	FS         host.FS
	Units      Units
	Containers Containers
	// Unseal unseals the Vault of this host; nil if the caller cannot unseal it.
	Unseal func(ctx context.Context) error
	// Sabakan is the URL of the sabakan on this host.
	Sabakan string
	// Progress, if not nil, is called with what a function of this package is waiting
	// for.
	Progress func(text string)
}

// report calls h.Progress with a formatted text. It does nothing if Progress is nil.
func (h Host) report(format string, args ...any) {
	if h.Progress != nil {
		h.Progress(fmt.Sprintf(format, args...))
	}
}

// image returns the container image of c. ok is false if c has none.
func image(c Component, t Target) (img neco.ContainerImage, ok bool, err error) {
	i, ok := c.(Imaged)
	if !ok {
		return img, false, nil
	}
	img, err = t.Artifacts.FindContainerImage(i.Image())
	return img, true, err
}
